"""The gradient calculator as a library: `parse` a program, ask for its `gradient`.

To ask again and again, have it `compiled`.

>>> from backprop_cli import gradient, parse
>>> gradient("(a + b)*(b + c)", a=2, b=-3, c=4).gradient
{'a': 1.0, 'b': 0.0, 'c': -1.0}
>>> parse("x^2").size
3
>>> from backprop_cli import compiled
>>> f = compiled("x^2*y")
>>> f(3, 5).gradient
{'x': 30.0, 'y': 9.0}
>>> f.many(x=[1, 2, 3], y=5).gradient["x"]
[10.0, 20.0, 30.0]
"""

from typing import TYPE_CHECKING

from backprop_cli.errors import BackpropError

if TYPE_CHECKING:
    from backprop_cli.language.parser import parse
    from backprop_cli.studies.api import Gradient, gradient
    from backprop_cli.studies.compiled_program import Compiled, Gradients, compiled

__all__ = [
    "BackpropError", "Compiled", "Gradient", "Gradients", "compiled", "gradient", "parse",
]  # fmt: skip


def __getattr__(name: str) -> object:
    """Import the library's functions when they are first used, so that the command starts fast."""
    if name == "parse":
        from backprop_cli.language.parser import parse

        return parse
    if name in ("gradient", "Gradient"):
        from backprop_cli.studies import api

        return getattr(api, name)
    if name in ("compiled", "Compiled", "Gradients"):
        from backprop_cli.studies import compiled_program

        return getattr(compiled_program, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
