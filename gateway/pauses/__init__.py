"""Switches that stop what leaves: everything, a chain, an asset, one side of an account."""
