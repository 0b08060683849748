"""Results to text: the only floor that knows of screens, and the only importer of rich."""
