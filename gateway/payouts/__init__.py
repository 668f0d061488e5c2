"""A merchant's balance paid out to an address of its book: on demand, or by a schedule."""
