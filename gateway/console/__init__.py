"""The operators' page: what is held, decided by a person; switches that stop what leaves."""
