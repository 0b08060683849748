"""A derivation as a source file, in the language that was asked for."""

from backprop_cli.render.code import c as code_c
from backprop_cli.render.code import js as code_js
from backprop_cli.render.code import python as code_python
from backprop_cli.studies.export import Export

_WRITERS = {"c": code_c.source, "js": code_js.source}


def source(export: Export) -> str:
    """Return the text of the file."""
    return _WRITERS.get(export.language.name, code_python.source)(export)
