"""Try to break your integration: what payers, the clock and the chain do, done on purpose."""
