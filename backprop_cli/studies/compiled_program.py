"""A program compiled once, for a caller who asks for its gradient again and again.

The answers are those of `api.gradient`. Value, slopes, and the conditions of all kinks are one
graph (`calculus/point_graph.py`), compiled to Python or to C, which have the same bits; where a
number on the way is not finite, or a kink's condition holds, the study of one point answers
instead, with its warnings and its failure. What is not looked at is how many digits rounding has
cost, and whether a number has vanished: those warnings are `gradient`'s alone.

How often it will be asked is not known. So C is compiled, where the caller leaves the choice, when
it would have paid for what was asked already: what it may come to cost has been spent by then.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from backprop_cli.calculus.point_graph import point_graph
from backprop_cli.calculus.values import ARITHMETIC_ERRORS
from backprop_cli.errors import BindingProblem, OptionProblem
from backprop_cli.graph import Graph
from backprop_cli.language.parser import parse
from backprop_cli.readings.compiler import NoCompiler
from backprop_cli.readings.telling import telling_nodes
from backprop_cli.studies.api import Gradient, answer_at, check_given_once, finite, told
from backprop_cli.studies.engine import ENGINES, Chosen, python_because
from backprop_cli.studies.gradient import KINKS, nodes_named
from backprop_cli.studies.paying import calls_pay
from backprop_cli.studies.point import check_names
from backprop_cli.studies.solution import Answer
from backprop_cli.studies.table.flags import FLAGS, flag_of

if TYPE_CHECKING:
    from backprop_cli.studies.columns import Columns
    from backprop_cli.studies.table.points import ManyPoints

_LARGEST_PYTHON = 100_000
"""The most nodes that are compiled to Python; larger programs are interpreted."""
_FIRST_LOOK = 1024
"""After so many calls, and each time they have doubled, `auto` asks whether C has paid."""
_NOT_YET = python_because("compiled C would not have paid yet")
_TOO_LARGE = python_because(f"more than {_LARGEST_PYTHON:,} nodes are interpreted")


class Gradients(NamedTuple):
    """Values and gradients of many rows, in columns: lists, or arrays if an array was given.

    `flags` has a word for each row: empty, `kink`, `jump`, `undefined` or `not-finite`, as `grad`
    would say of it; a row with one of the last two has no answer, nor has one with any under
    `kink="error"`, and its numbers are as far as they go. `engine` and `note` say what worked.
    """

    value: Any
    gradient: dict[str, Any]
    flags: Any
    engine: str
    note: str


class Compiled:
    """A program that was compiled; call it with a point, or ask for `many` at once.

    May be called by several threads, and sent to other processes.
    """

    def __init__(
        self,
        program: str | Graph,
        inputs: Sequence[str] = (),
        *,
        wrt: Sequence[str] = (),
        kink: str = "convention",
        engine: str = "auto",
    ) -> None:
        """Compile; `compiled` says what it takes."""
        inputs, wrt = ((names,) if isinstance(names, str) else names for names in (inputs, wrt))
        if len(set(inputs)) < len(inputs):
            raise OptionProblem(f"inputs has a name twice: {', '.join(inputs)[:60]}")
        for word, known, what in ((kink, KINKS, "kink"), (engine, ENGINES, "engine")):
            if word not in known:
                raise OptionProblem(f"{what} takes {', '.join(known)}, got {word!r:.40}")
        self._again = partial(
            Compiled, program, tuple(inputs), wrt=tuple(wrt), kink=kink, engine=engine
        )
        """Makes the same in another process."""
        self.graph = program if isinstance(program, Graph) else parse(program, inputs)
        """The program."""
        if inputs:
            check_names(self.graph, inputs, "inputs should name {names}")
        self.inputs = tuple(inputs or self.graph.inputs)
        """The names of the inputs, in the order of the numbers of a point."""
        asked = nodes_named(self.graph, wrt, "wrt") or {
            n: self.graph.inputs[n] for n in self.inputs
        }
        self.wrt = tuple(asked)
        """The names that the gradient has."""
        self._kink, self._engine = kink, engine
        made = point_graph(self.graph.with_outputs(self.graph.outputs[:1]), list(asked.values()))
        self._made = made.graph.with_outputs([*made.graph.outputs, *made.kinks])
        self._kinks_end = len(self._made.outputs)
        self._calls, self._look = 0, _FIRST_LOOK
        self._many: tuple[ManyPoints, Chosen] | None = None
        self._rows = self._rows_to_look = 0
        self._function, self._chosen = self._first()

    @property
    def engine(self) -> str:
        """What works when one point is asked for: `python` or `native`."""
        return self._chosen.name

    @property
    def note(self) -> str:
        """What compiled the C, or why there is none."""
        return self._chosen.note

    def __repr__(self) -> str:
        return f"<compiled f({', '.join(self.inputs[:10])}): engine {self.engine}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return self._again, ()

    def __call__(
        self, /, *numbers: float | Mapping[str, float] | Sequence[float], **named: float
    ) -> Gradient:
        """Return value and gradient at a point: numbers in order, by name, or one collection.

        Raises `BackpropError` for a missing or unknown name, or what is no finite number.
        """
        point = self._point(numbers, named)
        found = self._found(point)
        if found is None:
            return told(self._studied(point))
        return Gradient(found[0], dict(zip(self.wrt, found[1:], strict=False)), (), "")

    def value_and_slopes(self, numbers: Iterable[float]) -> tuple[float, list[float]]:
        """Return the value and the list of slopes, in the order of `wrt`, as optimisers ask.

        Without a word: NaN or infinite where there is no answer, a convention on a kink.
        """
        point = self._point((numbers,), {})
        found = self._found(point)
        if found is not None:
            return found[0], list(found[1 : 1 + len(self.wrt)])
        answer = self._studied(point)
        return answer.value, list(answer.gradient.values())

    def many(self, /, *columns: Any, **named: Any) -> Gradients:
        """Return values and gradients of many points, given as columns of numbers.

        A column is a list or a NumPy array, in order or by name; a number stands for a whole
        column of it. Without NumPy the rows are taken one by one. Raises `BackpropError` for
        columns that are missing, unknown, of different lengths, or not of finite numbers.
        """
        from backprop_cli.studies.columns import checked_columns

        given = checked_columns(self._bound(columns, named, "column"))
        return self._one_by_one(given) if given.numpy is None else self._together(given)

    # -------------------------------------------------------------- one point

    def _point(self, numbers: tuple[Any, ...], named: Mapping[str, Any]) -> tuple[float, ...]:
        """Return the numbers of a point in order; the usual case is a call of numbers."""
        alone = numbers[0] if len(numbers) == 1 and not named else None
        if isinstance(alone, Mapping):
            numbers, named = (), alone
        elif isinstance(alone, Set):
            raise BindingProblem(f"a set has no order, so it is no point: {alone!r:.60}")
        elif isinstance(alone, Iterable) and not isinstance(alone, (str, bytes)):
            with suppress(TypeError):  # an array of no dimensions says that it is iterable
                numbers = tuple(alone)
        if named or len(numbers) != len(self.inputs):
            numbers = tuple(self._bound(numbers, named, "number").values())
        for number in numbers:
            if number.__class__ is not float or number - number != 0:
                return tuple(map(finite, numbers, self.inputs))
        return numbers

    def _bound(self, numbers: Sequence[Any], named: Mapping[str, Any], what: str) -> dict[str, Any]:
        """Return what is given for each input, in order."""
        if len(numbers) > len(self.inputs):
            takes = f"{len(self.inputs)} ({', '.join(self.inputs[:10])})"
            raise BindingProblem(f"{len(numbers)} {what}s are given, the program takes {takes}")
        given = dict(zip(self.inputs, numbers, strict=False))
        check_given_once(given, named)
        given |= named
        check_names(self.graph, given, f"give a {what} for each, as {{bindings}}")
        return {name: given[name] for name in self.inputs}

    def _found(self, point: tuple[float, ...]) -> Sequence[float] | None:
        """Return the outputs at a point; None where the study of one point must answer."""
        self._calls += 1
        if self._calls >= self._look:
            self._reconsider()
        if self._function is None:
            return None
        try:
            found = self._function(*point)
        except ARITHMETIC_ERRORS:
            return None
        total = sum(found)  # not finite if one is not, or if finite ones overflow in it
        if total - total != 0 or any(found[len(self.wrt) + 1 : self._kinks_end]):
            return None
        return found

    def _studied(self, point: Sequence[float]) -> Answer:
        located = dict(zip(self.inputs, point, strict=True))
        return answer_at(self.graph, located, self.wrt, self._kink)

    def _first(self) -> tuple[Callable[..., Sequence[float]] | None, Chosen]:
        """Return the function of one point, and the engine, to begin with."""
        if self._engine == "native":
            return self._native()
        if self._made.size > _LARGEST_PYTHON:
            return None, _TOO_LARGE
        from backprop_cli.readings.python import python_function

        telling = telling_nodes(self._made, self._made.outputs)
        watched = self._made.with_outputs([*self._made.outputs, *telling])
        chosen = _NOT_YET if self._engine == "auto" else Chosen("python")
        return python_function(watched, self.inputs), chosen

    def _native(self) -> tuple[Callable[..., Sequence[float]], Chosen]:
        from backprop_cli.readings.native_function import compiled_by_c

        function, native = compiled_by_c(self._made, self.inputs)
        return function, Chosen("native", native.note)

    def _reconsider(self) -> None:
        """Compile C if it would have paid by now and the choice is ours."""
        self._look = 2 * self._calls
        if self._engine != "auto" or self.engine == "native":
            return
        if calls_pay(self._calls, self.graph.size):
            try:
                self._function, self._chosen = self._native()
            except NoCompiler as error:
                self._chosen = python_because(error.message)
                self._engine = "python"

    # -------------------------------------------------------------- many points

    def _one_by_one(self, given: "Columns") -> Gradients:
        """Return the answers of rows that are taken one at a time, as lists."""
        rows: list[Sequence[float]] = []
        flags = []
        for point in zip(*given.columns.values(), strict=True):
            found, flag = self._found(point), ""
            if found is None:
                answer = self._studied(point)
                found, flag = (answer.value, *answer.gradient.values()), flag_of(answer)
            rows.append(found)
            flags.append(flag)
        width = 1 + len(self.wrt)
        value, *slopes = ([row[k] for row in rows] for k in range(width))
        named = dict(zip(self.wrt, slopes, strict=True))
        return Gradients(value, named, flags, self.engine, self.note)

    def _together(self, given: "Columns") -> Gradients:
        """Return the answers of rows that are computed together."""
        points, chosen = self._many_points(given.rows)
        answers = points(list(given.columns.values()))
        columns = answers.results if given.arrays else [c.tolist() for c in answers.results]
        flags: Any = [FLAGS[code] for code in answers.flags.tolist()]
        if given.arrays:
            flags = given.numpy.array(FLAGS)[answers.flags]
        named = dict(zip(self.wrt, columns[1:], strict=True))
        return Gradients(columns[0], named, flags, chosen.name, chosen.note)

    def _many_points(self, count: int) -> "tuple[ManyPoints, Chosen]":
        """Return what computes many rows; C once it would have paid for the rows so far."""
        from backprop_cli.studies.table.point_engine import PointEngine
        from backprop_cli.studies.table.points import ManyPoints

        self._rows += count
        looks = self._engine == "auto" and self._rows >= self._rows_to_look
        if self._many is None or (looks and self._many[1].name == "python"):
            self._rows_to_look = 2 * self._rows
            engine = PointEngine(self._engine, self._rows)
            program = self.graph.with_outputs(self.graph.outputs[:1])
            points = ManyPoints(program, self.inputs, {}, self.wrt, (), self._kink, engine)
            self._many = points, engine.chosen
        return self._many


def compiled(
    program: str | Graph,
    inputs: Sequence[str] = (),
    *,
    wrt: Sequence[str] = (),
    kink: str = "convention",
    engine: str = "auto",
) -> Compiled:
    """Return a program's last statement as a function that gives value and gradient, compiled.

    `inputs` is the order of the numbers of a point (that of the program if empty), and frees `e`,
    `pi` and `tau` if it has them. `wrt` and `kink` are those of `gradient`. `engine` is `python`,
    `native` for C that the system's compiler makes, or `auto`, which takes C once it would have
    paid for itself. Raises `BackpropError`: a syntax error with its span, an unknown name, an
    engine that cannot work here.
    """
    return Compiled(program, inputs, wrt=wrt, kink=kink, engine=engine)
