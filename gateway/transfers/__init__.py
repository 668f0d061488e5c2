"""Account to account: by handle, at once, free."""
