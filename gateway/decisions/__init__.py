"""Deciding what is held: the money of a withdrawal or a deposit moves as a person says."""
