"""What waits for a person's decision, with its reason, owner, age and end."""
