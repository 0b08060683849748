"""A derivation as a source file, in the language that was asked for."""

from backprop_cli.render import code_c, code_js, code_python
from backprop_cli.studies.export import Export

_WRITERS = {"c": code_c.source, "js": code_js.source}


def source(export: Export) -> str:
    """Return the text of the file."""
    return _WRITERS.get(export.language.name, code_python.source)(export)
