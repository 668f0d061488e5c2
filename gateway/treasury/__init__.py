"""The payout vault against the cold treasury: when to refill it, when to drain it."""
