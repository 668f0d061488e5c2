"""What an operator does from the command line: keys, chains, rescans, the audit, a report."""
