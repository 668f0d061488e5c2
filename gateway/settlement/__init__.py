"""What happened: settlement report, daily close, reconciliation with the chain, trace, audit."""
