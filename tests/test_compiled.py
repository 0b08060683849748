"""`backprop_cli.compiled`: the answers of `gradient`, whatever the engine, one point or many."""

import math
import pickle
import random
import sys
import threading
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from strategies import programs

from backprop_cli import BackpropError, Gradient, compiled, gradient
from backprop_cli.readings import compiler
from backprop_cli.studies import compiled_program as study
from backprop_cli.studies.paying import calls_pay

try:
    compiler.find_compiler()
    HERE = True
except compiler.NoCompiler:
    HERE = False
needs_a_compiler = pytest.mark.skipif(not HERE, reason="no C compiler")
ENGINES = ["python", pytest.param("native", marks=needs_a_compiler)]
every_engine = pytest.mark.parametrize("engine", ENGINES)

SADDLE = "(1-x)^2 + 100(y-x^2)^2"

pytestmark = pytest.mark.usefixtures("own_cache")


# ------------------------------------------------------------------- the same answers


def near(one: float, other: float) -> bool:
    """Return whether two numbers are some ulp of the largest numbers on the way apart."""
    return one == other or (one != one and other != other) or math.isclose(
        one, other, rel_tol=1e-9, abs_tol=1e-12
    )  # fmt: skip


def assert_same(found: Gradient, wanted: Gradient, what: object) -> None:
    """Value, slopes and failure agree; warnings but for those of digits, which are not looked at."""
    assert found.failure == wanted.failure, what
    assert found.gradient.keys() == wanted.gradient.keys()
    assert near(found.value, wanted.value), what
    assert all(near(found.gradient[name], wanted.gradient[name]) for name in wanted.gradient), what
    if found.warnings != wanted.warnings:
        assert found.warnings == ()
        assert not any(word in " ".join(wanted.warnings) for word in ("kink", "jump", "sides"))


@settings(deadline=None, max_examples=40, suppress_health_check=list(HealthCheck))
@given(programs())
def test_random_programs_have_the_answers_of_gradient(program):
    function = compiled(program.text, list(program.point), engine="python")
    draw = random.Random(1)
    for turn in range(8):
        point = {
            name: x + (draw.choice((0, 1, -x, draw.gauss(0, 1))) if turn else 0)
            for name, x in program.point.items()
        }
        # Which input a jump is told along is the first in the order asked for.
        found, wanted = function(point), gradient(program.text, point, wrt=tuple(point))
        assert_same(found, wanted, (program.text, point))
        assert function(**point) == found or found.failure
        value, slopes = function.value_and_slopes(point.values())
        assert repr([value, *slopes]) == repr([found.value, *found.gradient.values()])


@needs_a_compiler
@settings(deadline=None, max_examples=15, suppress_health_check=list(HealthCheck))
@given(programs())
def test_both_engines_have_the_same_bits(program):
    names = list(program.point)
    one = compiled(program.text, names, engine="python")
    other = compiled(program.text, names, engine="native")
    draw = random.Random(1)
    for _ in range(20):
        point = {
            name: x + draw.choice((0, 1, -x, draw.gauss(0, 1))) for name, x in program.point.items()
        }
        assert repr(one(point)) == repr(other(point)), (program.text, point)


@every_engine
def test_a_kink_and_a_failure_are_said_as_gradient_says_them(engine):
    for text, point in (
        ("abs(x) + y", {"x": 0.0, "y": 1.0}),
        ("log(x)*y", {"x": -1.0, "y": 1.0}),
        ("1/exp(x) + y", {"x": 1000.0, "y": 1.0}),
        ("where(x > 0, log(x), y)", {"x": -1.0, "y": 1.0}),
        ("sqrt(x) + floor(y)", {"x": 0.0, "y": 2.0}),
        ("x*y*1e300*1e300", {"x": 1.0, "y": 1.0}),
        ("1/(x*y)", {"x": 1e200, "y": 1e200}),
    ):
        for kink in ("convention", "error", "left", "right"):
            found = compiled(text, engine=engine, kink=kink)(point)
            assert repr(found) == repr(gradient(text, point, kink=kink)), (text, kink)
    assert compiled("abs(x)")(0).warnings
    assert compiled("log(x)")(-1).failure


def test_what_is_not_looked_at_is_how_many_digits_are_left():
    point = {"x": 1e8}
    text = "(x + 1e-8) - x"
    assert gradient(text, point).warnings
    assert compiled(text)(point) == gradient(text, point)._replace(warnings=())


@every_engine
def test_wrt_takes_intermediates(engine):
    function = compiled("d = a + b; f = d*c", wrt=("d", "c"), engine=engine)
    assert function.wrt == ("d", "c")
    assert function(2, 3, 4) == Gradient(20.0, {"d": 4.0, "c": 5.0}, (), "")


@every_engine
def test_a_program_without_inputs(engine):
    assert compiled("2^10", engine=engine)() == Gradient(1024.0, {}, (), "")


def test_inputs_are_the_order_of_the_numbers_and_free_the_constants():
    assert compiled("y - x").inputs == ("y", "x")
    assert compiled("y - x", ["x", "y"])(1, 10).value == 9.0
    assert compiled("e*x", ("x", "e"))(2, 5).gradient == {"x": 5.0, "e": 2.0}
    assert compiled("e*x")(1).value == math.e
    assert compiled("xs^2", "xs", wrt="xs")(3).gradient == {"xs": 6.0}


def test_a_point_comes_in_any_form():
    function = compiled("x - y")
    wanted = function(5.0, 2.0)
    assert wanted.gradient == {"x": 1.0, "y": -1.0}
    numpy = pytest.importorskip("numpy")
    for one in (
        function(5, 2), function(5, y=2), function(y=2, x=5), function({"y": 2, "x": 5}),
        function([5, 2]), function((5.0, 2)), function(numpy.array([5, 2])),
        function(Fraction(5), numpy.float32(2)), function(numpy.int64(5), True + 1),
    ):  # fmt: skip
        assert one == wanted
        assert type(one.value) is float


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda f: f(1), "no value for y"),
        (lambda f: f(1, 2, 3), "3 numbers are given, the program takes 2 (x, y)"),
        (lambda f: f(1, 2, z=3), "z does not occur"),
        (lambda f: f(1, x=2), "x given by place and by name"),
        (lambda f: f(1, "2"), "the value of y is not a finite number: '2'"),
        (lambda f: f("12"), "no value for y"),
        (lambda f: f(1, math.nan), "the value of y is not a finite number: nan"),
        (lambda f: f(math.inf, 1), "the value of x is not a finite number: inf"),
        (lambda f: f(10**400, 1), "the value of x is not a finite number"),
        (lambda f: f(1, 2j), "the value of y is not a finite number: 2j"),
        (lambda f: f.many([1], [1, 2]), "the columns are of different lengths: x 1, y 2"),
        (lambda f: f.many([1]), "no value for y"),
        (lambda f: f.many(1, 2), "no column is given"),
        (lambda f: f.many([1, math.nan], 2), "the value of x in row 1 is not a finite number: nan"),
        (lambda f: f.many(["1"], 2), "the value of x in row 0 is not a finite number: '1'"),
        (lambda f: f.many("12", 2), "the column x is no list of numbers: '12'"),
        (lambda f: f.many([None], 2), "the value of x in row 0 is not a finite number: None"),
        (lambda f: f.many(3, object()), "the column y is no list of numbers"),
        (lambda f: f({1, 2}), "a set has no order, so it is no point"),
        (lambda f: f.many({1, 2}, 3), "the column x is no list of numbers: {1, 2}"),
        (lambda f: f.many({"x": 1}, 3), "the column x is no list of numbers"),
        (lambda f: f({0: 1, 1: 2}), "no value for x, y; 0, 1 do not occur"),
    ],
)
@pytest.mark.parametrize("numpy", [True, False])
def test_bad_points_are_refused(call, said, numpy, monkeypatch):
    if not numpy:
        monkeypatch.setitem(sys.modules, "numpy", None)
    with pytest.raises(BackpropError) as refused:
        call(compiled("x*y"))
    assert said in refused.value.message


@pytest.mark.parametrize(
    "call", [gradient, lambda text, *at, **named: compiled(text)(*at, **named)]
)
def test_an_input_given_by_place_and_by_name_is_refused(call):
    with pytest.raises(BackpropError) as refused:
        call("x*y", {"x": 1, "y": 3}, x=2)
    assert refused.value.message == "x given by place and by name"


def test_a_point_may_come_in_part_by_name():
    assert gradient("x*y", {"x": 1}, y=2) == gradient("x*y", x=1, y=2)


def test_columns_of_arrays_are_refused_too():
    numpy = pytest.importorskip("numpy")
    function = compiled("x*y")
    with pytest.raises(BackpropError, match="has 2 dimensions, not 1"):
        function.many(numpy.ones((2, 2)), 1)
    with pytest.raises(BackpropError, match="y in row 1 is not a finite number: inf"):
        function.many(1, numpy.array([1, numpy.inf]))
    with pytest.raises(BackpropError, match="x is no list of numbers"):
        function.many([[1], [2, 3]], 1)
    with pytest.raises(BackpropError, match="x has numbers that are masked"):
        function.many(numpy.ma.array([1.0, 2.0], mask=[False, True]), 1)
    with pytest.raises(BackpropError, match="no value for y"):
        function(numpy.array(3.0))
    with pytest.raises(BackpropError, match="x in row 0 is not a finite number: inf"):
        function.many(numpy.array([10**400], dtype=object).astype(numpy.longdouble), 1)


def test_an_input_may_be_called_self():
    function = compiled("self*columns")
    assert function(self=2, columns=3).value == 6.0
    assert function.many(self=[2], columns=3).value == [6.0]


def test_names_left_out_are_named_in_the_hint():
    with pytest.raises(BackpropError) as caught:
        compiled("x*y*z", ["x"])
    assert caught.value.hint == "inputs should name y, z"


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: compiled("x +"), "expected"),
        (lambda: compiled("x*y", ["x"]), "no value for y"),
        (lambda: compiled("x*y", ["x", "y", "z"]), "z does not occur"),
        (lambda: compiled("x*y", ["x", "y", "x"]), "inputs has a name twice: x, y, x"),
        (lambda: compiled("x*y", "x, y"), "no value for x, y"),
        (lambda: compiled("x*y", wrt=["z"]), "no name 'z'"),
        (lambda: compiled("x", kink="up"), "kink takes convention, error, left, right, got 'up'"),
        (lambda: compiled("x", engine="gpu"), "engine takes auto, python, native, got 'gpu'"),
    ],
)
def test_bad_programs_are_refused(make, said):
    with pytest.raises(BackpropError) as refused:
        make()
    assert said in refused.value.message


# ------------------------------------------------------------------- engines


@needs_a_compiler
def test_engines_say_what_they_are():
    native = compiled(SADDLE, engine="native")
    assert native.engine == "native"
    assert native.note.startswith("engine native (C, compiled by ")
    assert repr(native) == "<compiled f(x, y): engine native>"
    assert (compiled(SADDLE, engine="python").engine, compiled(SADDLE, engine="python").note) == (
        "python",
        "",
    )
    assert compiled(SADDLE).note == "engine python (compiled C would not have paid yet)"


def test_without_a_compiler(monkeypatch):
    monkeypatch.setenv("CC", "nosuchcc")
    with pytest.raises(BackpropError, match="no C compiler was found: CC names 'nosuchcc'"):
        compiled(SADDLE, engine="native")
    monkeypatch.setattr(study, "_FIRST_LOOK", 2)
    monkeypatch.setattr(study, "calls_pay", lambda *given: True)
    function = compiled(SADDLE)
    before = function(1, 2)
    assert function(1, 2) == before
    assert function.engine == "python"
    assert function.note == "engine python (no C compiler was found: CC names 'nosuchcc')"


@needs_a_compiler
def test_auto_takes_c_once_it_would_have_paid(monkeypatch):
    asked = []

    def pays(calls: int, nodes: int) -> bool:
        asked.append((calls, nodes))
        return calls >= 16

    monkeypatch.setattr(study, "_FIRST_LOOK", 4)
    monkeypatch.setattr(study, "calls_pay", pays)
    function = compiled(SADDLE)
    engines = []
    for _ in range(20):
        assert function(0.3, 0.7) == compiled(SADDLE, engine="python")(0.3, 0.7)
        engines.append(function.engine)
    assert engines == ["python"] * 15 + ["native"] * 5
    assert asked == [(4, function.graph.size), (8, function.graph.size), (16, function.graph.size)]


def test_the_estimate_is_that_of_a_climb():
    assert not calls_pay(1e9, 12)
    assert calls_pay(1e6, 1000)


def test_a_program_too_large_to_compile_is_interpreted(monkeypatch):
    monkeypatch.setattr(study, "_LARGEST_PYTHON", 10)
    function = compiled(SADDLE)
    assert "are interpreted" in function.note
    assert function(1, 2) == gradient(SADDLE, x=1, y=2)


@every_engine
def test_it_can_be_sent_to_another_process(engine):
    function = compiled("e*x + y", ("e", "x", "y"), wrt=("x",), engine=engine)
    again = pickle.loads(pickle.dumps(function))
    assert again(2, 3, 4) == function(2, 3, 4) == Gradient(10.0, {"x": 2.0}, (), "")
    assert again.engine == function.engine


@every_engine
def test_threads_do_not_mix_their_answers(engine):
    text = "+".join(f"sin({k}*x)" for k in range(1, 200))
    function = compiled(text, engine=engine)
    wanted = {x: function(x) for x in (0.1, 0.2, 0.3, 0.4)}
    wrong: list[float] = []

    def work(x: float) -> None:
        wrong.extend(x for _ in range(300) if function(x) != wanted[x])

    threads = [threading.Thread(target=work, args=(x,)) for x in wanted]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


# ------------------------------------------------------------------- many points


@settings(deadline=None, max_examples=15, suppress_health_check=list(HealthCheck))
@given(programs())
def test_many_points_have_the_answers_of_each(program):
    names = list(program.point)
    if not names:
        return
    draw = random.Random(2)
    rows = [program.point] + [
        {name: x + draw.choice((0, 1, -x, draw.gauss(0, 1))) for name, x in program.point.items()}
        for _ in range(30)
    ]
    columns = {name: [row[name] for row in rows] for name in names}
    function = compiled(program.text, names)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "numpy", None)
        alone = function.many(columns["x1"], **{n: c for n, c in columns.items() if n != "x1"}) if (
            names[0] == "x1"
        ) else function.many(**columns)  # fmt: skip
    for made in (alone, function.many(**columns)):
        assert type(made.value) is list
        for k, row in enumerate(rows):
            wanted = function(row)
            assert near(made.value[k], wanted.value), (program.text, row)
            assert all(near(made.gradient[n][k], wanted.gradient[n]) for n in names)
            assert (made.flags[k] in ("undefined", "not-finite")) == bool(wanted.failure)
            assert bool(made.flags[k]) == bool(wanted.failure or wanted.warnings)
    assert alone.flags == made.flags


@pytest.mark.parametrize("engine", ["auto", *ENGINES])
def test_what_goes_in_comes_out(engine):
    numpy = pytest.importorskip("numpy")
    function = compiled("abs(x)*y", engine=engine)
    lists = function.many([-1, 0, 2], 3)
    assert lists[:3] == (
        [3.0, 0.0, 6.0],
        {"x": [-3.0, 0.0, 3.0], "y": [1.0, 0.0, 2.0]},
        ["", "kink", ""],
    )
    arrays = function.many(y=3, x=numpy.array([-1, 0, 2]))
    assert type(arrays.value) is numpy.ndarray
    assert arrays.value.dtype == numpy.float64
    assert arrays.gradient["x"].tolist() == lists.gradient["x"]
    assert arrays.flags.tolist() == lists.flags
    assert arrays.engine == lists.engine == ("native" if engine == "native" else "python")
    assert function.many([], 3)[:3] == ([], {"x": [], "y": []}, [])
    mixed = function.many(numpy.array([1.0]), (k for k in [4]))
    assert mixed.value.tolist() == [4.0]
    assert function.many([Fraction(1, 2)], 2).value == [1.0]


@needs_a_compiler
def test_auto_computes_many_points_by_c_once_that_would_have_paid(monkeypatch):
    pytest.importorskip("numpy")
    function = compiled("lgamma(x)")
    asked = []

    def gain(graph):
        asked.append(graph.size)
        return 1e7

    few = function.many([1.5, 2.5])
    assert few.engine == "python"
    monkeypatch.setattr("backprop_cli.studies.table.point_engine.saved", gain)
    engines = [function.many([1.5] * 30).engine for _ in range(3)]
    assert engines == ["native", "native", "native"]
    assert len(asked) == 1
    assert function.many([1.5, 2.5]).value == pytest.approx(few.value, rel=1e-14)


def test_without_numpy_the_rows_are_taken_one_by_one(monkeypatch):
    monkeypatch.setitem(sys.modules, "numpy", None)
    found = compiled("x^2*y").many(x=range(3), y=(1, 2, 3))
    assert found.value == [0.0, 2.0, 12.0]
    assert found.gradient == {"x": [0.0, 4.0, 12.0], "y": [0.0, 1.0, 4.0]}
    assert found.engine == "python"
