"""Where money is: one double-entry ledger behind one door, `ledger.submit()` in the database."""
