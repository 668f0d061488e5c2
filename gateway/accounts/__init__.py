"""Who: people and merchants by handle, and the keys that act for them. The house has no row."""
