"""What it costs: one command each, one table: ours, the peer or the floor, the ratio, in one run."""
