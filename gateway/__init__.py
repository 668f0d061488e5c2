"""The nouns of Mizan: what is true about money, and the rules it obeys.

One folder per noun; inside it only the files it needs: `routes.py` (HTTP shapes and one call),
`service.py` (use cases: they take a session and never commit), `rules.py` (pure decisions),
`store.py` (its tables and every query on them). Imports point down; `pyproject.toml` enforces it.
"""
