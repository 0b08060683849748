"""How well `check` recognises mistakes: planted ones of every code, over random programs.

    python -m tests.mistakes [COUNT]

prints, for each code, how many planted mistakes were found (hits: the planted code is among those
reported), missed, or found beside others that fit as well (ambiguous: another code is listed
first); how many wrong claims that are no mistake of their program were called one; and how many
right claims were accused. A mistake is planted here as text: a backward pass
over the statements of a random program writes the gradient as a formula, and the mistake is made
while it is written. Nothing of the diagnosis is used, only the language.

Right claims are written in other forms (by the forward pass, multiplied out, with terms that
cancel), so that an accusation would show.
"""

import re
import sys
import time
from collections.abc import Callable, Iterator
from random import Random
from typing import NamedTuple

from backprop_cli.language.parser import parse
from backprop_cli.studies.checking.check import RIGHT, WRONG, Setting, check
from backprop_cli.studies.checking.claims import ask, read_claims
from backprop_cli.studies.checking.diagnosis import CODES, diagnoses

INPUTS = ("a", "b", "c")
POINTS = 40

Slopes = tuple[str, ...]

UNARY: dict[str, tuple[str, str]] = {
    "sin": ("sin({x})", "cos({x})"),
    "cos": ("cos({x})", "(-sin({x}))"),
    "exp": ("exp({x}/4)", "(exp({x}/4)/4)"),
    "tanh": ("tanh({x})", "(1/cosh({x})^2)"),
    "sigmoid": ("sigmoid({x})", "(sigmoid({x})*sigmoid(-{x}))"),
    "log": ("log({x})", "(1/{x})"),
    "log10": ("log10({x})", "(1/({x}*log(10)))"),
    "square": ("{x}^2", "(2*{x})"),
    "cube": ("{x}^3", "(3*{x}^2)"),
    "root": ("sqrt({x})", "(1/(2*sqrt({x})))"),
    "neg": ("-{x}", "(-1)"),
}
"""Each operation of one operand: its text, and that of its slope."""

BINARY: dict[str, tuple[str, str, str]] = {
    "add": ("{x} + {y}", "1", "1"),
    "sub": ("{x} - {y}", "1", "(-1)"),
    "mul": ("{x}*{y}", "{y}", "{x}"),
    "div": ("{x}/{y}", "(1/{y})", "(-{x}/{y}^2)"),
}

WRONG_SLOPES: dict[str, dict[str, tuple[tuple[str, ...], ...]]] = {
    "power-rule": {
        "square": (("{x}",), ("(2*{x}^2)",), ("({x}^3/3)",), ("(1*{x})",)),
        "cube": (("(3*{x}^3)",), ("{x}^2",), ("(2*{x}^2)",), ("({x}^4/4)",)),
        "root": (("(1/sqrt({x}))",), ("(sqrt({x})/2)",)),
    },
    "log-base": {
        "log": (("(1/({x}*log(10)))",), ("(1/({x}*log(2)))",)),
        "log10": (("(1/{x})",),),
    },
    "degrees": {
        "sin": (("(cos({x})*pi/180)",), ("cos({x}*pi/180)",), ("(pi/180*cos(pi*{x}/180))",)),
        "cos": (("(-sin({x})*pi/180)",), ("(-sin({x}*pi/180))",)),
    },
    "quotient-rule": {
        "div": (
            ("(1/{y})", "({x}/{y}^2)"),
            ("(-1/{y})", "({x}/{y}^2)"),
            ("1", "(-{x}/{y})"),
            ("{y}", "(-{x})"),
        ),
    },
    "wrong-operand": {"mul": (("{x}", "{x}"), ("{y}", "{y}"))},
}
"""Wrong slopes of an operation, by code: one for each operand."""


class Step(NamedTuple):
    """One statement: a name, an operation, the names it reads."""

    name: str
    operation: str
    operands: tuple[str, ...]

    def filled(self, text: str) -> str:
        """Return a text with the operands in it."""
        return text.format(**dict(zip("xy", self.operands, strict=False)))

    @property
    def text(self) -> str:
        """The statement."""
        pattern = (UNARY.get(self.operation) or BINARY[self.operation])[0]
        return f"{self.name} = {self.filled(pattern)}"

    @property
    def slopes(self) -> Slopes:
        """The local slopes, one for each operand."""
        patterns = (UNARY.get(self.operation) or BINARY[self.operation])[1:]
        return tuple(self.filled(pattern) for pattern in patterns)


Edge = tuple[int, int]


class Program(NamedTuple):
    """A random program; the last step is the output."""

    steps: tuple[Step, ...]

    @property
    def text(self) -> str:
        """The program."""
        return "; ".join(step.text for step in self.steps)

    @property
    def inputs(self) -> tuple[str, ...]:
        """The inputs that the program reads."""
        read = {name for step in self.steps for name in step.operands}
        return tuple(name for name in INPUTS if name in read)

    def backward(
        self,
        target: str,
        changed: dict[Edge, str] | None = None,
        lost: frozenset[Edge] = frozenset(),
        twice: frozenset[Edge] = frozenset(),
        joined: tuple[str, str] = ("", " + "),
    ) -> str:
        """Return d output / d target as text, by the backward pass.

        `changed` slopes are others, `lost` contributions are left out, those of `twice` come
        twice; at the name joined[0] contributions are joined by joined[1].
        """
        arrived: dict[str, list[str]] = {self.steps[-1].name: ["1"]}
        for place in range(len(self.steps) - 1, -1, -1):
            step = self.steps[place]
            if step.name not in arrived or step.name == target:
                continue
            adjoint = self._sum(step.name, arrived[step.name], joined)
            for position, operand in enumerate(step.operands):
                edge = (place, position)
                if edge in lost:
                    continue
                slope = (changed or {}).get(edge, step.slopes[position])
                sent = slope if adjoint == "1" else f"{adjoint}*{slope}"
                arrived.setdefault(operand, []).extend([sent] * (2 if edge in twice else 1))
        return self._sum(target, arrived.get(target, ["0"]), joined)

    def _sum(self, name: str, parts: list[str], joined: tuple[str, str]) -> str:
        sign = joined[1] if joined[0] == name else " + "
        return parts[0] if len(parts) == 1 else f"({sign.join(f'({p})' for p in parts)})"

    def forward(self, target: str, of: str = "") -> str:
        """Return d `of` / d target as text, by the forward pass; of the output if not said."""
        moved = {target: "1"}
        for step in self.steps:
            if step.name == target:
                continue
            parts = [
                f"{slope}*({moved[operand]})"
                for slope, operand in zip(step.slopes, step.operands, strict=True)
                if operand in moved
            ]
            if parts:
                moved[step.name] = f"({' + '.join(parts)})"
        return moved.get(of or self.steps[-1].name, "0")

    def moving(self, target: str) -> list[Edge]:
        """Return the edges on the paths from the target to the output."""
        moved = {target}
        for step in self.steps:
            if moved & set(step.operands):
                moved.add(step.name)
        needed = {self.steps[-1].name}
        edges = []
        for place in range(len(self.steps) - 1, -1, -1):
            step = self.steps[place]
            if step.name in needed and step.name != target:
                for position, operand in enumerate(step.operands):
                    needed.add(operand)
                    if operand in moved:
                        edges.append((place, position))
        return edges[::-1]

    def operand(self, edge: Edge) -> str:
        """Return the name that an edge leads to."""
        return self.steps[edge[0]].operands[edge[1]]


def program(draw: Random) -> Program:
    """Return a random program of three to seven steps, in which nothing is idle."""
    names = list(INPUTS[: draw.randint(2, 3)])
    unused = list(names)
    steps: list[Step] = []
    size = draw.randint(3, 6)
    while len(steps) < size or len(unused) > 1:
        kinds = BINARY if len(steps) >= size or draw.random() < 0.55 else UNARY
        operation = draw.choice(list(kinds))
        first = unused.pop(draw.randrange(len(unused))) if unused else draw.choice(names)
        operands = [first]
        if kinds is BINARY:
            pool = [name for name in (unused if len(steps) >= size else names) if name != first]
            second = draw.choice(pool or [name for name in names if name != first])
            operands.append(second)
            unused = [name for name in unused if name != second]
        steps.append(Step(f"y{len(steps) + 1}", operation, tuple(operands)))
        names.append(steps[-1].name)
        unused.append(steps[-1].name)
    return Program(tuple(steps))


# ---------------------------------------------------------------------------------- planting


def _branches(made: Program, target: str) -> list[list[Edge]]:
    """Return the contributions of each name that receives more than one on the way back."""
    received: dict[str, list[Edge]] = {}
    for edge in made.moving(target):
        received.setdefault(made.operand(edge), []).append(edge)
    return [edges for edges in received.values() if len(edges) > 1]


def _one_lost(made: Program, target: str, draw: Random) -> str | None:
    branches = _branches(made, target)
    if not branches:
        return None
    return made.backward(target, lost=frozenset([draw.choice(draw.choice(branches))]))


def _one_twice(made: Program, target: str, draw: Random) -> str | None:
    branches = _branches(made, target)
    if not branches:
        return None
    return made.backward(target, twice=frozenset([draw.choice(draw.choice(branches))]))


def _multiplied(made: Program, target: str, draw: Random) -> str | None:
    branches = _branches(made, target)
    if not branches:
        return None
    name = made.operand(draw.choice(branches)[0])
    return made.backward(target, joined=(name, "*"))


def _flipped(made: Program, target: str, draw: Random) -> str | None:
    edge = draw.choice(made.moving(target))
    slope = made.steps[edge[0]].slopes[edge[1]]
    return made.backward(target, {edge: f"(-{slope})"})


def _inner_lost(made: Program, target: str, draw: Random) -> str | None:
    edges = [
        edge
        for edge in made.moving(target)
        if made.operand(edge) != target and made.steps[edge[0]].operation in UNARY
    ]
    if not edges:
        return None
    edge = draw.choice(edges)
    step = made.steps[edge[0]]
    rest = made.backward(target, lost=frozenset([edge]))
    return f"({rest}) + ({made.backward(step.name)})*{step.slopes[edge[1]]}"


def _elsewhere(made: Program, target: str, draw: Random) -> str | None:
    edges = [
        edge
        for edge in made.moving(target)
        if made.operand(edge) != target
        and made.steps[edge[0]].operation in UNARY
        and made.steps[edge[0]].operation != "neg"
    ]
    if not edges:
        return None
    edge = draw.choice(edges)
    wrong = made.steps[edge[0]]._replace(operands=(target,)).slopes[0]
    return made.backward(target, {edge: wrong})


def _local(made: Program, target: str, draw: Random) -> str | None:
    direct = [
        edge
        for edge in made.moving(target)
        if made.operand(edge) == target and edge[0] != len(made.steps) - 1
    ]
    if not direct:
        return None
    edge = draw.choice(direct)
    return made.steps[edge[0]].slopes[edge[1]]


def _stopped_short(made: Program, target: str, draw: Random) -> str | None:
    places = {edge[0] for edge in made.moving(target)} - {len(made.steps) - 1}
    if not places:
        return None
    return made.forward(target, made.steps[draw.choice(sorted(places))].name)


def _other(made: Program, target: str, draw: Random) -> str | None:
    others = [name for name in made.inputs if name != target]
    return made.backward(draw.choice(others)) if others else None


def _scaled(made: Program, target: str, draw: Random) -> str | None:
    factor = draw.choice(["2", "1/2", "3", "pi", "log(10)", "1/4", "2/3", "sqrt(2)"])
    return f"({factor})*({made.backward(target)})"


def _value(made: Program, target: str, draw: Random) -> str | None:
    return draw.choice([made.steps[-1].name, target])


def _wrong_slope(code: str) -> Callable[[Program, str, Random], str | None]:
    def plant(made: Program, target: str, draw: Random) -> str | None:
        known = WRONG_SLOPES[code]
        moving = made.moving(target)
        places = sorted({edge[0] for edge in moving if made.steps[edge[0]].operation in known})
        if code == "quotient-rule":  # a constant denominator needs no rule
            places = [place for place in places if (place, 1) in moving]
        if not places:
            return None
        place = draw.choice(places)
        step = made.steps[place]
        wrong = draw.choice(known[step.operation])
        changed = {(place, k): step.filled(text) for k, text in enumerate(wrong)}
        if code == "wrong-operand":
            edge = draw.choice([edge for edge in moving if edge[0] == place])
            changed = {edge: step.slopes[1 - edge[1]]}
        return made.backward(target, changed)

    return plant


PLANTERS: dict[str, Callable[[Program, str, Random], str | None]] = {
    "missing-branch": _one_lost,
    "double-path": _one_twice,
    "product-of-paths": _multiplied,
    "sign": _flipped,
    "missing-inner": _inner_lost,
    "wrong-place": _elsewhere,
    "local-only": _local,
    "missing-upstream": _stopped_short,
    "other-input": _other,
    "constant-factor": _scaled,
    "value": _value,
    **{code: _wrong_slope(code) for code in WRONG_SLOPES},
}
"""How each mistake is made, for a program and an input; None where the program has no place."""


class Planted(NamedTuple):
    """A program and wrong claims about it, with the code of the mistake."""

    code: str
    program: str
    claims: tuple[str, ...]


def planted(code: str, count: int, seed: int) -> Iterator[Planted]:
    """Yield programs with one planted mistake of this code."""
    draw = Random(f"{code} {seed}")
    made = 0
    while made < count:
        candidate = program(draw)
        if code == "transposed":
            first, second = draw.sample(candidate.inputs, 2)
            claims = (
                f"{first}={candidate.backward(second)}",
                f"{second}={candidate.backward(first)}",
            )
        else:
            target = draw.choice(candidate.inputs)
            text = PLANTERS[code](candidate, target, draw)
            if text is None:
                continue
            claims = (f"{target}={text}",)
        made += 1
        yield Planted(code, candidate.text, claims)


def rearranged(count: int, seed: int) -> Iterator[Planted]:
    """Yield programs with right claims about every input, each in a form of its own."""
    draw = Random(f"right {seed}")
    for _ in range(count):
        candidate = program(draw)
        name = draw.choice(candidate.steps).name
        forms = (
            "{g}",
            "-(-({g}))",
            "({g})*2/2",
            "({g}) + a - a",
            f"({{g}})*(1 + {name}^2)/(1 + {name}^2)",
            f"({{g}})*(sin({name})^2 + cos({name})^2)",
            f"(({{g}}) + {name})^1 - {name}",
            "(({g}) + ({h}))/2",
            "3*({g}) - 2*({h})",
        )
        claims = []
        for target in candidate.inputs:
            pair = [candidate.backward(target), candidate.forward(target)]
            draw.shuffle(pair)
            form = draw.choice(forms).format(g=pair[0], h=pair[1])
            claims.append(f"{target}={form}")
        yield Planted("", candidate.text, tuple(claims))


def strangers(count: int, seed: int) -> Iterator[Planted]:
    """Yield programs with the gradient of another program as a claim: wrong, but no mistake.

    The other's is a derivative through two functions or more; one that is 1, say, is soon another
    mistake's as well.
    """
    draw = Random(f"strangers {seed}")
    while count:
        candidate, other = program(draw), program(draw)
        shared = [name for name in candidate.inputs if name in other.inputs]
        edges = other.moving(shared[0]) if shared else []
        functions = {k for k, _ in edges if other.steps[k].operation in {*UNARY} - {"neg"}}
        if set(other.inputs) <= set(candidate.inputs) and len(functions) > 1:
            count -= 1
            text = other.backward(shared[0])
            for step in reversed(other.steps):
                text = re.sub(rf"\b{step.name}\b", f"({step.text.partition('= ')[2]})", text)
            yield Planted("", candidate.text, (f"{shared[0]}={text}",))


class Result(NamedTuple):
    """What `check` said: the verdict on each claim, and the codes reported for each."""

    verdicts: tuple[str, ...]
    codes: tuple[tuple[str, ...], ...]
    reasons: tuple[str, ...]


def looked_at(case: Planted, points: int = POINTS) -> Result:
    """Return what `check` says of the claims of a case."""
    questions = ask(parse(case.program), read_claims(case.claims), [], [])
    found = check(questions, Setting(points=points))
    said = diagnoses(found)
    return Result(
        tuple(v.verdict for v in found.verdicts),
        tuple(tuple(mistake.code for mistake in d.mistakes) for d in said),
        tuple(v.reason for v in found.verdicts),
    )


class Tally(NamedTuple):
    """Counts for one code: of the planted mistakes that change the gradient."""

    hits: int
    first: int
    missed: int
    harmless: int
    undecided: int

    @property
    def rate(self) -> float:
        """The share of hits."""
        return self.hits / max(self.hits + self.missed, 1)


def tally(code: str, count: int, seed: int = 0) -> Tally:
    """Plant `count` mistakes of a code and count what is found."""
    hits = first = missed = harmless = undecided = 0
    for case in planted(code, count, seed):
        result = looked_at(case)
        wrong = [
            codes for v, codes in zip(result.verdicts, result.codes, strict=True) if v == WRONG
        ]
        if not wrong:
            right = all(verdict == RIGHT for verdict in result.verdicts)
            harmless += right
            undecided += not right
        elif code in wrong[0]:
            hits += 1
            first += wrong[0][0] == code
        else:
            missed += 1
    return Tally(hits, first, missed, harmless, undecided)


def recognised(count: int, seed: int = 0) -> tuple[int, int]:
    """Return (wrong claims that are no mistake, those called one all the same)."""
    results = [looked_at(case) for case in strangers(count, seed)]
    wrong = [result for result in results if result.verdicts == (WRONG,)]
    return len(wrong), sum(bool(result.codes[0]) for result in wrong)


def accusations(count: int, seed: int = 0) -> tuple[int, int, list[Planted]]:
    """Return (right claims, undecided ones, cases accused) over `count` programs."""
    claims = undecided = 0
    accused = []
    for case in rearranged(count, seed):
        result = looked_at(case)
        claims += len(result.verdicts)
        undecided += sum(verdict not in (RIGHT, WRONG) for verdict in result.verdicts)
        if WRONG in result.verdicts:
            accused.append(case)
    return claims, undecided, accused


def main() -> None:
    """Print the table."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 60
    begin = time.perf_counter()
    print(f"{'code':<18}{'planted':>9}{'hits':>7}{'missed':>8}{'rate':>8}{'ambiguous':>11}"
          f"{'harmless':>10}{'undecided':>11}")  # fmt: skip
    for code in CODES:
        found = tally(code, count)
        ambiguous = found.hits - found.first
        print(f"{code:<18}{count:>9}{found.hits:>7}{found.missed:>8}{found.rate:>8.1%}"
              f"{ambiguous:>11}{found.harmless:>10}{found.undecided:>11}")  # fmt: skip
    wrong, guessed = recognised(5 * count)
    print(
        f"\nwrong claims that are no mistake: {wrong}, called one all the same: {guessed}", end=""
    )
    claims, undecided, accused = accusations(5 * count)
    print(f"\nright claims: {claims}, falsely accused: {len(accused)}, undecided: {undecided}")
    for case in accused:
        print("  accused:", case.program, case.claims)
    print(f"{time.perf_counter() - begin:.1f} s")


if __name__ == "__main__":
    main()
