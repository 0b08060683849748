"""A graph read as lines of C, to be compiled and run here and now (`readings/native.py`).

These are the operations of exported C (`readings/source.py`), a line for each node, under names
that are all ours: `x0` for what moves, `h0` for what is held, `v0`, `v1`, ... for nodes. No name,
number or text of the user's enters, so an input may be called `NULL`, `linux` or `y0`.

The numbers are the interpreter's, bit for bit, where the library of C is the one that Python
itself calls: what depends on constants alone is computed by Python; the compiler may not put its
own results, or other functions, in the place of the library's; and where Python's functions differ
from C's (`hypot`, no -0 from `floor`, x·x for a square) a helper does as Python does. Comparisons
are C's, in which NaN is false; whoever runs the code looks at the nodes of `readings/telling.py`
and asks the interpreter where one is not finite.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from backprop_cli.graph import Graph
from backprop_cli.language.notation import Piece
from backprop_cli.operations import COMPARISON_ROWS, CONSTANT, INPUT, ROW, TABLE
from backprop_cli.readings.floats import TOTAL, number
from backprop_cli.readings.languages import LANGUAGES
from backprop_cli.readings.library import helpers, words_of
from backprop_cli.readings.own_functions import functions
from backprop_cli.readings.source import Coder, Term
from backprop_cli.readings.target import Language

_C = LANGUAGES["c"]
_OURS = {"floor": "floor_of", "ceil": "ceil_of", "hypot": "hypotenuse", "pow": "power_of"}
NATIVE = _C._replace(
    calls={**_C.calls, **_OURS},
    helpers=("helpers/native.c", *_C.helpers),
    reserved=frozenset(),
    early="",  # choices, not jumps, can become vector instructions
)
"""C as it is compiled here; where Python's functions do otherwise than C's, as Python does."""

VECTOR = NATIVE._replace(
    calls={**NATIVE.calls, **{name: f"fast_{name}" for name in ("exp", "expm1", "cosh", "tanh")}},
    helpers=("helpers/vector.c", *NATIVE.helpers),
)
"""The same, with exponentials of our own (to 2 ulp) that compilers can make vectors of."""

_PAIRWISE = {ROW["max"]: "larger", ROW["min"]: "smaller"}
_FUNCTION = re.compile(r"^static double", re.MULTILINE)
_INLINED = "INLINE double"
_OF_TWO = ("pow", "atan2")
LIBRARY = (
    "acos", "acosh", "asin", "asinh", "atan", "atan2", "atanh", "cbrt", "cos", "cosh", "erf",
    "erfc", "exp", "expm1", "log", "log10", "log1p", "log2", "pow", "sin", "sinh", "tan", "tanh",
)  # fmt: skip
"""The functions of C's library that are not exact, so that no other result may take their place."""

_HEAD = """#include <float.h>
#include <math.h>
#include <stdint.h>
#include <string.h>
#if FLT_EVAL_METHOD != 0
#error "this processor does not compute in float64"
#endif
#if defined __GLIBC__ && defined __x86_64__ && defined __GNUC__ && !defined __clang__
#define VECTORS __attribute__((target_clones("avx2", "default")))
#else
#define VECTORS
#endif
#if defined __clang__
#define INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#elif defined __GNUC__
#define INDEPENDENT _Pragma("GCC ivdep")
#else
#define INDEPENDENT
#endif
#ifdef __GNUC__
#define PURE __attribute__((const))
#define INLINE static inline __attribute__((always_inline))
#define APART __attribute__((noinline))
#define ONE_BY_ONE __asm__ volatile ("")
#else
#define PURE
#define INLINE static inline
#define APART
#define ONE_BY_ONE
#endif"""


class Lines(NamedTuple):
    """Statements of C, those that depend on nothing that moves apart, and each node's term."""

    fixed: tuple[str, ...]
    moving: tuple[str, ...]
    terms: dict[int, Term]


class CWriter:
    """Writes graphs as lines of one source; what is the same is written once."""

    def __init__(self, language: Language = NATIVE) -> None:
        self.language = language
        self.coder = Coder(language)
        self._made: dict[tuple[object, ...], Term] = {}
        self._held: set[str] = set()
        self._count = 0
        self._weights: dict[str, int] = {}

    def lines(
        self, graph: Graph, needed: Iterable[int], given: Mapping[str, str], held: Iterable[str]
    ) -> Lines:
        """Return the lines of the nodes that `needed` are computed from, and the terms of these.

        `given` says how each input is called; those of `held` do not move.
        """
        fixed: list[str] = []
        moving: list[str] = []
        terms: dict[int, Term] = {}
        still = set(held)
        wanted = graph.dependencies(needed)
        for name, node in graph.inputs.items():
            terms[node] = Term(Piece(given[name]))
            if name in still:
                self._held.add(given[name])
        for node, row in enumerate(graph.rows):
            if row == CONSTANT:
                terms[node] = self.coder.number(number(graph.literals[node]))
            elif wanted[node] and row != INPUT:
                operands = [terms[k] for k in graph.operands_of(node)]
                terms[node] = self._term(row, operands, fixed, moving)
        return Lines(tuple(fixed), tuple(moving), terms)

    def not_finite(self, term: Term) -> str:
        """Return the test of whether a term is infinite or NaN."""
        if term.number is not None and math.isfinite(term.number):
            return "0"
        return f"!(fabs({term.piece.text}) <= DBL_MAX)"

    def not_zero(self, term: Term) -> str:
        """Return the test of whether a term is anything but 0."""
        return f"{term.piece.text} != 0.0"

    def weight(self, words: Iterable[str]) -> int:
        """Return how many lines are written out in the place of a line that calls these names."""
        total = 0
        for word in words:
            if word in self.coder.calls or word in self.coder.rows:
                if word not in self._weights:
                    self._weights[word] = self._lines_of(word)
                total += self._weights[word]
        return total

    def _lines_of(self, name: str) -> int:
        """Return the lines of a function, and of those it calls, that are inlined."""
        defined, calls = functions(self.coder, {name})
        texts = [*helpers(self.language, {name, *calls}), *defined]
        return sum(text.count("\n") for text in map(_inline, texts) if _INLINED in text)

    def source(self, body: Sequence[str]) -> str:
        """Return a whole file: declarations, the helpers that the lines call, then `body`."""
        defined, calls = functions(self.coder, self.coder.rows)
        pure = [
            f"PURE double {name}({', '.join(['double'] * (1 + (name in _OF_TWO)))});"
            for name in LIBRARY
        ]
        called = helpers(self.language, self.coder.calls | calls)
        own = [_inline(text) for text in (*called, *defined)]
        return "\n".join([_HEAD, *pure, *own, *body]) + "\n"

    def _term(
        self, row: int, operands: Sequence[Term], fixed: list[str], moving: list[str]
    ) -> Term:
        """Return the term of an operation: a number, a test, or the name of its line."""
        known = [term.number for term in operands if term.number is not None]
        if len(known) == len(operands):
            return self.coder.number(float(TOTAL.function(TABLE[row].name)(*known)))
        key = (row, *(_key(term) for term in operands))
        made = self._made.get(key)
        if made is not None:
            return made
        term = self._written(row, operands)
        if row not in COMPARISON_ROWS and not term.piece.text.isidentifier():
            name = f"v{self._count}"
            self._count += 1
            still = all(_words(operand) <= self._held for operand in operands)
            if still:
                self._held.add(name)
            (fixed if still else moving).append(f"const double {name} = {term.piece.text};")
            term = Term(Piece(name), term.number)
        self._made[key] = term
        return term

    def _written(self, row: int, operands: Sequence[Term]) -> Term:
        if row not in _PAIRWISE or len(operands) == 1:
            return self.coder.apply(row, operands)
        name = _PAIRWISE[row]
        self.coder.calls.add(name)
        text = operands[0].piece.text
        for operand in operands[1:]:
            text = f"{name}({text}, {operand.piece.text})"
        return Term(Piece(text))


def _inline(text: str) -> str:
    """Return a function in straight lines as one that loops are to take in whole."""
    straight = not any(word in text for word in ("for (", "while (", "if ("))
    return _FUNCTION.sub(_INLINED, text, count=1) if straight else text


def _key(term: Term) -> tuple[object, ...]:
    return (term.piece.text, term.test.text if term.test is not None else "")


def _words(term: Term) -> frozenset[str]:
    """Return the names that a term reads."""
    if term.number is not None:
        return frozenset()
    return words_of([term.test.text if term.test is not None else term.piece.text])
