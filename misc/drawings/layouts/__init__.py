"""The raw layouts in which drawn pictures are written: those of the sets that they stand for."""
