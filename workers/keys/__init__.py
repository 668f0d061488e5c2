"""Keys that move money: where they are, how they are asked. For signer and approver alone."""
