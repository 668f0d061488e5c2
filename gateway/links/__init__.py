"""Payment links: a page anybody may open, from which each payer's own invoice comes."""
