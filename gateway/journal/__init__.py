"""Who decided what, and why: append-only, one hash chain, proved by `mizan audit`."""
