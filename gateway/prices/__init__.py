"""What it is worth: sources of rates, and the one place that asks them."""
