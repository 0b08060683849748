"""A derivation as a JavaScript file, for Node and for pages."""

import json
from collections.abc import Iterator

from backprop_cli.calculus.derivation import Name
from backprop_cli.render.code.layout import (
    AGREED,
    body,
    checks,
    definitions,
    folded,
    functions,
    head,
    names_of,
    wrapped,
)
from backprop_cli.studies.export import Export, Exported

_CHECK = """\
// Say so, and return 1, if a number is further from backprop's than rounding may move it.
function differs(name, found, expected, allowed) {
  const bothUndefined = Number.isNaN(found) && Number.isNaN(expected);
  if (found === expected || Math.abs(found - expected) <= allowed || bothUndefined) return 0;
  console.log(`${name} = ${found}, expected ${expected}`);
  return 1;
}

// How many numbers are not those of backprop.
function check() {
  let wrong = 0;
  let made;
"""
_MAIN = f"""\
  return wrong;
}}

if (typeof module === "object") {{
  module.exports = {{ EXPORTED }};
  if (require.main === module) {{
    if (check() > 0) process.exitCode = 1;
    else console.log("{AGREED}");
  }}
}}
"""


def source(export: Export) -> str:
    """Return the file."""
    names = names_of(export)
    parts = ["\n".join(head(export, "// ", "Run it with node"))]
    parts += [*definitions(export), *functions(export, _function)]
    end = _MAIN.replace("EXPORTED", ", ".join(names))
    parts.append(_CHECK + "\n".join([*checks(export, "  made = {}({})", ";", _found), end]))
    return "\n\n".join(parts)


def _function(name: str, exported: Exported, export: Export) -> Iterator[str]:
    made = exported.derivation
    slopes = ", ".join(f"d{exported.name}/d{each.shown}" for each in made.gradient)
    yield from wrapped(f"Returns the value {exported.name}, and its gradient: {slopes}.", "// ")
    yield from folded(f"function {name}({', '.join(each.code for each in made.parameters)}) {{")
    yield from body(exported, export.language, "  ")
    pairs = ", ".join(f"{_key(each)}: {each.code}" for each in made.gradient)
    yield from folded(f"  return {{ value: {made.result.code}, gradient: {{ {pairs} }} }};")
    yield "}"


def _key(name: Name) -> str:
    """Return the key of an object; `__proto__` alone would be no key."""
    if name.shown == "__proto__":
        return '["__proto__"]'
    return name.shown if name.shown.isidentifier() else json.dumps(name.shown, ensure_ascii=False)


def _member(name: Name) -> str:
    """Return how the entry of a name is read."""
    plain = name.shown.isidentifier() and name.shown != "__proto__"
    return f".{name.shown}" if plain else f"[{json.dumps(name.shown, ensure_ascii=False)}]"


def _found(exported: Exported) -> list[str]:
    names = exported.derivation.gradient
    return ["made.value", *(f"made.gradient{_member(name)}" for name in names)]
