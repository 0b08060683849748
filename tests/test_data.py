"""Data: what a CSV file may look like, how its faults are told, and the mean over its rows."""

import itertools
import json
import math
import random
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backprop_cli.calculus.gradient_graph import gradient_graph
from backprop_cli.calculus.values import forward_values
from backprop_cli.errors import BackpropError, FileProblem
from backprop_cli.language.parser import parse
from backprop_cli.studies import means
from backprop_cli.studies.data import Data, read_columns
from backprop_cli.studies.means import MeanOver


@pytest.fixture
def written(tmp_path, monkeypatch):
    """Return a function that writes d.csv, where the test then stands, and reads it."""
    monkeypatch.chdir(tmp_path)

    def read(text, names=("x", "y")):
        content = text if isinstance(text, bytes) else text.encode()
        (tmp_path / "d.csv").write_bytes(content)
        return read_columns("d.csv", names)

    return read


def table(**columns: list[float]) -> Data:
    arrays = {name: np.array(column, dtype=float) for name, column in columns.items()}
    return Data(arrays, len(next(iter(columns.values()))), ())


@pytest.mark.parametrize(
    "text",
    [
        "x,y\n1,2\n3,-4e-1\n",
        "x,y\n1,2\n3,-4e-1",
        "x,y\r\n1,2\r\n3,-4e-1\r\n",
        "\ufeffx,y\n1,2\n3,-.4\n",
        "\n\n  \nx , y\n\n 1,  2\n   \n3 ,-0.4  \n\n\n",
        '"x","y"\n"1","2"\n3, "-0.4"\n',
        "note,y,x\nhello,2,1\n,-0.4,3\n",
        "ｘ,y\n1,2\n3,-0.4\n",
    ],
)
def test_files_that_say_the_same(written, text):
    data = written(text)
    assert {name: column.tolist() for name, column in data.columns.items()} == {
        "x": [1.0, 3.0],
        "y": [2.0, -0.4],
    }
    assert data.size == 2
    assert set(data.names) == {"x", "y"}


def test_other_columns_are_ignored_whatever_is_in_them(written):
    data = written("id,x,,id\nq,1,?,1\n,2,nan,\n")
    assert data.names == ("x",)
    assert data.ignored == ("id", "column 3", "id")


def test_names_of_other_scripts_and_subscripts_are_names(written):
    data = written("θ,x₁\n1,2\n", ("θ", "x1"))
    assert data.names == ("θ", "x1")


FAULTS = [
    ("", "d.csv is empty", "its first line names the columns: x,y"),
    ("\n \n", "d.csv is empty", "its first line names the columns: x,y"),
    ("x,y\n", "d.csv has a line of headings and no rows", ""),
    ("x,y,x\n1,2,3\n", "d.csv has two columns named x", ""),
    ("x,y\n1,2\n\n3\n", "d.csv line 4: 1 cell, but 2 columns", ""),
    ("x,y\n1,2\n3,4,5\n", "d.csv line 3: 3 cells, but 2 columns", ""),
    ("x,y\n1,2\n3,abc\n", "d.csv line 3, column y: 'abc' is not a number", ""),
    ("x,y\n1,\n", "d.csv line 2, column y: the cell is empty", ""),
    ("x,y\nnan,1\n", "d.csv line 2, column x: 'nan' is not finite", ""),
    ("x,y\n1,-Infinity\n", "d.csv line 2, column y: '-Infinity' is not finite", ""),
    ("x,y\n1,1e999\n", "d.csv line 2, column y: '1e999' is not finite", ""),
    ("x,y\n1,1_000\n", "d.csv line 2, column y: '1_000' is not a number", ""),
    ("x,y\n1,3\xa0\n", "d.csv line 2, column y: '3\\xa0' is not a number", ""),
    ("x,y\n1,٣\n", "d.csv line 2, column y: '٣' is not a number", ""),
    ('x,y\n1,"2\n', "d.csv line 2: unexpected end of data", ""),
    ('x,y\n1,2\n3,"a\n\nb"\n', "d.csv line 3, column y: 'a\\n\\nb' is not a number", ""),
    ('x,y,z\n1,2,"a\nb"\n"c\nd",1,2\n', "d.csv line 4, column x: 'c\\nd' is not a number", ""),
    ('x,y\n1,2\n3,"4\n\n', "d.csv line 3: unexpected end of data", ""),
    ("1,2\n3,4\n", "no column of d.csv has the name of an input; its first line is: 1, 2",
     "the first line names the columns, such as x,y"),
    ("x;y\n1;2\n", "no column of d.csv has the name of an input; its first line is: x;y",
     "columns are separated by commas"),
    ("X\n1\n", "no column of d.csv has the name of an input; its first line is: X",
     "X: did you mean x?"),
    (b"x,y\n1,\xff\n", "d.csv is not valid UTF-8 text: byte 3 of line 2", "save the file as UTF-8"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "message", "hint"), FAULTS)
def test_a_fault_is_told_with_its_place(written, text, message, hint):
    with pytest.raises(FileProblem) as caught:
        written(text)
    assert (caught.value.message, caught.value.hint) == (message, hint)
    assert (caught.value.code, caught.value.exit_code) == ("file", 2)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(FileProblem, match="no such file or directory"):
        read_columns(str(tmp_path / "none.csv"), ("x",))


def test_standard_input(tmp_path):
    script = "from backprop_cli.studies.data import *; print(read_columns('-', ['x']).columns['x'])"
    run = subprocess.run([sys.executable, "-c", script], input="x\n1\n2\n", capture_output=True, text=True, check=True)  # fmt: skip
    assert run.stdout == "[1. 2.]\n"


def test_without_numpy_the_refusal_says_how_to_get_it(monkeypatch, written):
    monkeypatch.setitem(sys.modules, "numpy", None)
    with pytest.raises(BackpropError) as caught:
        written("x,y\n1,2\n")
    assert caught.value.message == "--data needs NumPy"
    assert caught.value.hint == "pip install 'backprop-cli[data]'"
    assert (caught.value.code, caught.value.exit_code) == ("option", 2)


def test_importing_the_study_imports_no_numpy():
    script = "import sys, backprop_cli.studies.data; print('numpy' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"


# ----------------------------------------------------------------------------------- batches


def test_every_epoch_goes_once_through_all_rows_in_a_new_order():
    data = table(x=[0.0] * 10)
    batches = list(itertools.islice(data.batches(4, random.Random(7)), 6))
    assert [len(batch) for batch in batches] == [4, 4, 2, 4, 4, 2]
    first, second = (np.concatenate(batches[k : k + 3]).tolist() for k in (0, 3))
    assert sorted(first) == sorted(second) == list(range(10))
    assert first != second


def test_the_same_seed_gives_the_same_batches():
    data = table(x=[0.0] * 100)
    one, two = (
        [batch.tolist() for batch in itertools.islice(data.batches(7, random.Random(3)), 40)]
        for _ in range(2)
    )
    assert one == two


def test_a_batch_keeps_its_rows_while_the_next_ones_are_drawn():
    batches = list(itertools.islice(table(x=[0.0] * 50).batches(50, random.Random(1)), 2))
    assert batches[0].tolist() != batches[1].tolist()


# -------------------------------------------------------------------------------------- mean


def mean_by_hand(program, point, data, rows):
    """Return the mean value and the mean partials, one row after another with plain floats."""
    graph = parse(program)
    gradient = gradient_graph(graph, graph.outputs[0], [graph.inputs[name] for name in point])
    found = []
    for row in rows:
        at = point | {name: float(column[row]) for name, column in data.columns.items()}
        values = forward_values(gradient, at)
        found.append([values[node] for node in gradient.outputs])
    return [math.fsum(column) / len(found) for column in zip(*found, strict=True)]


PROGRAMS = [
    "(y - (w*x + b))^2",
    "where(x > 0, w*x - y, b*log(1 - x))^2",
    "softplus(-y*(w*x + b)) + 0.1*(w^2 + b^2)",
    "max(w*x, b, y) + erf(w*x) + exp(x)*sin(y)*w + b",
    "gelu(x*w)*pick(1, b, y, 3) + logsumexp(x*w, b*y, 0)",
]


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(PROGRAMS),
    st.lists(st.tuples(*[st.floats(-3, 3)] * 2), min_size=1, max_size=30),
    st.tuples(*[st.floats(-2, 2)] * 2),
    st.randoms(use_true_random=False),
)
def test_the_mean_is_that_of_the_rows_one_by_one(program, cells, at, source):
    data = table(x=[x for x, _ in cells], y=[y for _, y in cells])
    graph = parse(program)
    point = dict(zip(("w", "b"), at, strict=True))
    gradient = gradient_graph(graph, graph.outputs[0], [graph.inputs[name] for name in point])
    mean = MeanOver(gradient, list(point), data)
    expected = mean_by_hand(program, point, data, range(data.size))
    assert mean(at) == pytest.approx(expected, rel=1e-11, abs=1e-13)
    rows = np.array(source.sample(range(data.size), source.randint(1, data.size)))
    expected = mean_by_hand(program, point, data, rows.tolist())
    assert mean(at, rows) == pytest.approx(expected, rel=1e-11, abs=1e-13)


def test_the_gradient_of_a_line_through_three_points():
    """At w = b = 0: mean of -2·(y, y·x) over (1, 2), (2, 4), (3, 6) is -2·4 and -2·28/3."""
    graph = parse("(y - (w*x + b))^2")
    gradient = gradient_graph(graph, graph.outputs[0], [graph.inputs["w"], graph.inputs["b"]])
    mean = MeanOver(gradient, ("w", "b"), table(x=[1, 2, 3], y=[2, 4, 6]))
    assert mean((0.0, 0.0)) == pytest.approx((56 / 3, -56 / 3, -8.0), rel=1e-15)
    assert mean((2.0, 0.0)) == (0.0, 0.0, 0.0)


def test_outputs_that_no_row_reaches_are_their_own_mean():
    """A tenth, a parameter, and their product are numbers, not columns; a column has its mean."""
    graph = parse("a = 0.1; b = w; c = 0.1*w; d = x")
    graph = graph.with_outputs([graph.names[name] for name in "abcd"])
    data = table(x=[1.0, 2.0, 6.0])
    assert MeanOver(graph, ("w",), data)((0.7,)) == (0.1, 0.7, 0.1 * 0.7, 3.0)


def test_more_rows_than_one_piece(monkeypatch):
    monkeypatch.setattr(means, "PIECE", 100)
    graph = parse("w*x^2")
    data = table(x=[k / 7 for k in range(1234)])
    whole = sum((k / 7) ** 2 for k in range(1234)) * 3 / 1234
    mean = MeanOver(graph, ("w",), data)
    assert mean((3.0,))[0] == pytest.approx(whole, rel=1e-13)
    rows = np.arange(1000, 700, -1)
    part = sum((k / 7) ** 2 for k in rows.tolist()) * 3 / 300
    assert mean((3.0,), rows)[0] == pytest.approx(part, rel=1e-13)


def test_what_depends_on_no_parameter_is_computed_once():
    """exp(x) is an array of the whole set; only the product with w is made at each point."""
    graph = parse("w*exp(x)")
    mean = MeanOver(graph, ("w",), table(x=[0.0, 1.0]))
    exp_node, out = (graph.size - 2, graph.size - 1)
    assert [node for node, _ in mean._columns] == [exp_node]
    assert set(mean._moving) == {graph.inputs["w"], out}


def test_a_row_that_is_not_defined_makes_the_mean_a_nan_without_a_warning():
    mean = MeanOver(parse("log(w*x)"), ("w",), table(x=[1.0, -1.0]))
    huge = MeanOver(parse("w*x"), ("w",), table(x=[1e308, 1e308]))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert math.isnan(mean((1.0,))[0])
        assert huge((1.0,))[0] == math.inf


def test_parameters_that_the_graph_does_not_use_are_allowed():
    assert MeanOver(parse("x"), ("w",), table(x=[1.0, 3.0]))((9.0,)) == (2.0,)


# -------------------------------------------------------------------- certified data of NIST

FOLDER = Path(__file__).parent / "data"
NIST = json.loads((FOLDER / "nist.json").read_text(encoding="utf-8"))["problems"]


@pytest.mark.parametrize("name", NIST)
def test_the_certified_fits_of_nist_have_their_residuals_and_no_slope(name):
    """The sum of squares to all certified digits; the slope is that of eleven-digit parameters."""
    problem = NIST[name]
    point = problem["certified"]
    graph = parse(f"(y - {problem['model']})^2")
    gradient = gradient_graph(graph, graph.outputs[0], [graph.inputs[b] for b in point])
    data = read_columns(str(FOLDER / f"{name}.csv"), ("x", "y"))
    mean = MeanOver(gradient, list(point), data)
    value, *slopes = mean(list(point.values()))
    assert value * data.size == pytest.approx(problem["residual_sum_of_squares"], rel=2e-10)
    assert {*graph.inputs} == {*point, "x", "y"}
    for start in problem["starts"]:
        assert set(start) == set(point)
        steeper = mean(list(start.values()))
        assert steeper[0] > value
    for slope, parameter in zip(slopes, point.values(), strict=True):
        assert abs(slope * parameter) < 1e-4 * value
