"""A derivation as a C file: functions, and a main that checks them."""

from collections.abc import Iterator

from backprop_cli.render.code.layout import (
    AGREED,
    body,
    checks,
    definitions,
    folded,
    functions,
    head,
    wrapped,
)
from backprop_cli.studies.export import Export, Exported

_CHECK = """\
#ifndef BACKPROP_NO_MAIN
#include <stdio.h>

/* Say so, and return 1, if a number is further from backprop's than rounding may move it. */
static int differs(const char *name, double found, double expected, double allowed)
{
  int both_undefined = found != found && expected != expected;
  if (found == expected || fabs(found - expected) <= allowed || both_undefined) return 0;
  printf("%s = %.17g, expected %.17g\\n", name, found, expected);
  return 1;
}

int main(void)
{"""


def source(export: Export) -> str:
    """Return the file."""
    parts = ["\n".join(head(export, "// ", *_HOW)), "#include <math.h>"]
    parts += [*definitions(export), *functions(export, _function)]
    parts.append("\n".join([_CHECK, *_main(export), "}", "#endif", ""]))
    return "\n\n".join(parts)


_HOW = (
    "Compile and run it (cc FILE -lm && ./a.out)",
    "-DBACKPROP_NO_MAIN leaves that program out.",
)


def _function(name: str, exported: Exported, export: Export) -> Iterator[str]:
    made = exported.derivation
    parameters = ", ".join(f"double {each.code}" for each in made.parameters)
    size = len(made.gradient)
    slopes = ", ".join(f"d{exported.name}/d{each.shown}" for each in made.gradient)
    yield from wrapped(f"Returns {exported.name}; gradient becomes {slopes}.", "// ")
    yield from folded(f"double {name}({parameters}, double gradient[{size}])")
    yield "{"
    yield from (f"  (void){unused};" for unused in made.unused)
    yield from body(exported, export.language, "  ")
    for place, each in enumerate(made.gradient):
        yield f"  gradient[{place}] = {each.code};"
    yield f"  return {made.result.code};"
    yield "}"


def _main(export: Export) -> Iterator[str]:
    size = max(len(made.derivation.gradient) for made in export.functions)
    yield f"  double value, gradient[{size}];"
    yield "  int wrong = 0;"
    yield from checks(export, "  value = {}({}, gradient)", ";", _found)
    yield ""
    yield f'  if (wrong == 0) puts("{AGREED}");'
    yield "  return wrong > 0;"


def _found(exported: Exported) -> list[str]:
    return ["value", *(f"gradient[{place}]" for place in range(len(exported.derivation.gradient)))]
