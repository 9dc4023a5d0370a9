"""The keys of each room: name, default, meaning, source."""
