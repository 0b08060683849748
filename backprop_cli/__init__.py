"""The gradient calculator as a library: `parse` a program, ask for its `gradient`.

>>> from backprop_cli import gradient, parse
>>> gradient("(a + b)*(b + c)", a=2, b=-3, c=4).gradient
{'a': 1.0, 'b': 0.0, 'c': -1.0}
>>> parse("x^2").size
3
"""

from typing import TYPE_CHECKING

from backprop_cli.errors import BackpropError

if TYPE_CHECKING:
    from backprop_cli.language.parser import parse
    from backprop_cli.studies.api import Gradient, gradient

__all__ = ["BackpropError", "Gradient", "gradient", "parse"]


def __getattr__(name: str) -> object:
    """Import the library's functions when they are first used, so that the command starts fast."""
    if name == "parse":
        from backprop_cli.language.parser import parse

        return parse
    if name in ("gradient", "Gradient"):
        from backprop_cli.studies import api

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
