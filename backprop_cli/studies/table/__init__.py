"""Many points: the rows of a table, read, computed and put in order."""
