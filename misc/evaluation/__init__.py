"""Numbers about generated pictures, and what they are computed with."""
