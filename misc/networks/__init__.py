"""Layers and losses that two or more rooms use; no configuration, no files."""
