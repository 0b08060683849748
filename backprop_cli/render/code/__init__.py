"""Exported code: the file around a derivation, in each language."""
