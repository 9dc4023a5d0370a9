"""Stage-II: the Stage-I picture and the same text become a large picture."""
