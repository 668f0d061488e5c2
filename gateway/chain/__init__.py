"""The chain as we need it: what a node tells, where our contracts are, how calls are written."""
