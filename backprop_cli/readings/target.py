"""What is known of a language that code is exported to, as data."""

from collections.abc import Mapping
from typing import NamedTuple


class Language(NamedTuple):
    """How one target spells what the table computes.

    `calls` maps a primitive to what is called for it (a function of the target, or a helper of
    `helpers`, the files that hold them); `listed` are the calls that take all operands as one list,
    written by `listing`. The templates take their parts by position. `choice_binds` says that a
    choice is an expression with an operator, so that it takes parentheses inside another. `numpy`
    is what stands for `np` in helpers that NumPy shares with a library of its kind; `known` is how
    a number is handed to a function that expects an array.
    """

    name: str
    endings: tuple[str, ...]
    comment: str
    calls: Mapping[str, str]
    helpers: tuple[str, ...]
    reserved: frozenset[str]
    listed: frozenset[str] = frozenset()
    listing: str = "[{0}]"
    choice: str = "{1} if {0} else {2}"
    choice_binds: bool = True
    negation: str = "not {0}"
    both: str = "{0} and {1}"
    either: str = "{0} or {1}"
    equal: str = "=="
    different: str = "!="
    nan: str = "math.nan"
    infinity: str = "math.inf"
    whole: str = "{0}.0"
    define: str = "{0} = {1}"
    define_test: str = "{0} = {1}"
    begin_sum: str = "{0} = {1}"
    add: str = "{0} += {1}"
    seed: str = "1.0"
    zero: str = "0.0"
    function: str = 'def {0}({1}):\n    """{2}"""\n{3}'
    early: str = "    if {0}:\n        return {1}"
    final: str = "    return {0}"
    argument: str = "{0}"
    ascii_names: bool = False
    arrays: bool = False
    numpy: str = "np"
    known: str = "{0}"
