"""Configuration: every key once, strict merging, shared flags, errors for people."""
