"""Data: raw layouts to prepared sets, prepared sets to batches; pictures, captions, safe files."""
