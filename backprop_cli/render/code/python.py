"""A derivation as a Python file: plain floats, NumPy, JAX or PyTorch."""

import json
import re
from collections.abc import Iterator

from backprop_cli.render.code.layout import (
    AGREED,
    WIDTH,
    body,
    checks,
    definitions,
    folded,
    functions,
    head,
)
from backprop_cli.studies.export import Export, Exported

_IMPORTS = {
    "python": (),
    "numpy": ("import numpy as np",),
    "jax": ("import jax", "import jax.numpy as jnp"),
    "torch": ("import torch",),
}
_ABOUT = {
    "python": (),
    "numpy": ("Arrays are taken element by element, in float64.",),
    "jax": ("Arrays are taken element by element, in float64, under jit and vmap too.",),
    "torch": ("Tensors are taken element by element, in float64.",),
}
_CONVERSION = {
    "numpy": "np.float64",
    "jax": "jnp.float64",
    "torch": "tensor",
}
_STANDARD = ("math", "sys")
_CHECK = '''\
def differs(name, found, expected, allowed):
    """Say so if a number is further from backprop's than rounding may move it."""
    both_undefined = found != found and expected != expected
    if found == expected or abs(found - expected) <= allowed or both_undefined:
        return False
    print(f"{name} = {found!r}, expected {expected!r}")
    return True


def check():
    """Return how many numbers are not those of backprop."""
    wrong = 0'''
_MAIN = f'''\
if __name__ == "__main__":
    if check():
        sys.exit(1)
    print("{AGREED}")
'''


def source(export: Export) -> str:
    """Return the file."""
    about = head(export, "", "Run it", *_ABOUT[export.language.name])
    parts = definitions(export, _CONVERSION.get(export.language.name, ""))
    parts += functions(export, _function)
    check = _CHECK
    if export.language.arrays:
        check = check.replace("    both_", "    found = float(found)\n    both_", 1)
    parts.append(
        "\n".join(
            [check, *checks(export, "    value, gradient = {}({})", "", _found), "    return wrong"]
        )
    )
    parts.append(_MAIN)
    text = "\n\n\n".join(parts)
    return "\n".join(['"""' + "\n".join(about) + '\n"""', "", *_imports(export, text), "", text])


def _imports(export: Export, text: str) -> Iterator[str]:
    """Yield the imports of what the text reads."""
    for name in _STANDARD:
        if re.search(rf"\b{name}\.", text):
            yield f"import {name}"
    if "reduce(" in text:
        yield "from functools import reduce"
    if "numpy." in text:
        yield "import numpy"
    packages = _IMPORTS[export.language.name]
    if packages:
        yield ""
        yield from packages
    if export.language.name == "jax":
        yield ""
        yield 'jax.config.update("jax_enable_x64", True)'
    yield ""


def _function(name: str, exported: Exported, export: Export) -> Iterator[str]:
    made, language = exported.derivation, export.language
    codes = [each.code for each in made.parameters]
    if language.name == "numpy" and made.calls:
        yield '@np.errstate(all="ignore")  # infinities and NaN are answers, not warnings'
    yield from folded(f"def {name}({', '.join(codes)}):")
    first = made.gradient[0].shown
    entry = f'{{"{first}": d{exported.name}/d{first}{", ..." if len(made.gradient) > 1 else ""}}}'
    yield f'    """Return {exported.name} and its gradient: {entry}."""'
    conversion = _CONVERSION.get(language.name)
    if conversion and len(codes) == 1:
        yield f"    {codes[0]} = {conversion}({codes[0]})"
    elif conversion:
        listed = ", ".join(codes)
        line = f"    {listed} = map({conversion}, ({listed}))"
        yield from folded(line if len(line) <= WIDTH else line.replace(listed, f"({listed})", 1))
    if conversion:
        yield ""
    yield from body(exported, language, "    ")
    pairs = ", ".join(
        f"{json.dumps(each.shown, ensure_ascii=False)}: {each.code}" for each in made.gradient
    )
    yield from folded(f"    return {made.result.code}, {{{pairs}}}")


def _found(exported: Exported) -> list[str]:
    keys = (json.dumps(each.shown, ensure_ascii=False) for each in exported.derivation.gradient)
    return ["value", *(f"gradient[{key}]" for key in keys)]
