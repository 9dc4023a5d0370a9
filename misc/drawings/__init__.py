"""Drawn pictures with captions and exact attributes: Pillow and NumPy alone."""
