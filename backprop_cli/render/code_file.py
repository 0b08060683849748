"""A derivation as a source file, in the language that was asked for."""

from backprop_cli.render import code_c
from backprop_cli.studies.export import Export

_WRITERS = {"c": code_c.source}


def source(export: Export) -> str:
    """Return the text of the file."""
    return _WRITERS[export.language.name](export)
