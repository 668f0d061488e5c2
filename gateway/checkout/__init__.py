"""The payer's page: rendered here, in Arabic and English, with no script but our own."""
