"""What arrived: confirming -> credited | orphaned | reversed."""
