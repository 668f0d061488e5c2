"""The embedded stack: the servers and processes of a whole installation, on one machine."""
