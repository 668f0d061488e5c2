"""Payments that cost their payer no gas: the payer signs, we send (EIP-3009)."""
