"""What leaves: asked for, judged, sent in batches, confirmed by the chain or given back."""
