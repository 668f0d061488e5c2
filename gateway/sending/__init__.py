"""How money leaves: signers, intents, transactions, attempts, and what gas costs."""
