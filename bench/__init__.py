"""What it costs: a command each, one table: ours, the peer or the floor, the ratio, in one run."""
