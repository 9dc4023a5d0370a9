"""Stage-I: a text embedding becomes a small picture."""
