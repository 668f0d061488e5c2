"""The main job, told step by step by a client that knows nothing of the inside.

`python -m gateway.local.story <dev.json>`: it speaks HTTP to the API and the page, JSON-RPC to the
node, and imports nothing of ours.
"""
