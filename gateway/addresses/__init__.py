"""Where payers pay: one address per account or invoice and chain, derived, never generated."""
