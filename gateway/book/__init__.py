"""The address book: where an account's money may go, since when, and who proved what is theirs."""
