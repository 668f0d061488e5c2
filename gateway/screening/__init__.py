"""Screening: lists of addresses and tokens, by raw bytes on every chain, and what they hit."""
