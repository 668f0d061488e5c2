"""Money of an invoice on its way back to whoever paid it."""
