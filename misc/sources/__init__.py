"""Raw data sets: one layout a file, from its original files to `Source`."""
