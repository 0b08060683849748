"""`backprop ascend`: the lectures' numbers, formats, options that refuse, data, pictures."""

import csv
import io
import json
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from backprop_cli.commands.main import run as run_words
from tests.command import run, run_in_terminal

ROSENBROCK = "(1-x)^2 + 100(y-x^2)^2"
SADDLE = "d = a+b; f = d*c"
DATA = Path(__file__).parent / "data"
LINE = "x,y\n0,1\n1,3\n2,5\n3,7\n"


def ask(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    """Run the command in this process: exit code, stdout, stderr."""
    code = run_words(["ascend", *words])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def rows(capsys: pytest.CaptureFixture[str], *words: str) -> list[dict]:
    return [json.loads(line) for line in ask(capsys, "--format", "json", *words)[1].splitlines()]


@pytest.fixture
def line(tmp_path: Path) -> str:
    """Return a file of points on y = 2x + 1."""
    path = tmp_path / "line.csv"
    path.write_text(LINE)
    return str(path)


# --------------------------------------------------------------------------- the lectures

ONE_STEP = [
    ("a*b", "a=-4,b=-3", "0.01", (), 12.2512),
    ("a*b", "a=-4,b=-3", "0.01", ("--update", "sequential"), 12.252409),
    (SADDLE, "a=5,b=-3,c=-2", "0.01", (), -3.8808),
    (SADDLE, "a=5,b=-3,c=-2", "0.01", ("--update", "sequential"), -3.881584),
    ("-x^2", "x=1", ".1", (), -0.64),
    ("-x^2", "x=1", ".5", (), 0),
    ("-x^2", "x=1", ".9", (), -0.64),
    ("-x^2", "x=1", "1.0", (), -1),
    ("-x^2", "x=1", "1.1", (), -1.44),
    ("w^2/2", "w=1", "1", ("--descend",), 0),
    ("d=a+b; e=d*c; f=sigmoid(e)", "a=1,b=-2,c=-3", "0.1", (), 0.9563098),
]


@pytest.mark.parametrize(("expression", "point", "step", "more", "value"), ONE_STEP)
def test_one_step_of_the_lectures(capsys, expression, point, step, more, value):
    words = (expression, "--at", point, "--step", step, "--steps", "1", *more)
    code, out, _ = ask(capsys, *words, "--format", "plain")
    assert code == 0
    assert float(out.split()[1]) == pytest.approx(value, abs=2e-7)


def test_predicted_and_actual_gain_of_the_third_method(capsys):
    """h·‖∇f‖² = 0.01·25; f(-4.03, -3.04) - 12 = 0.2512; they differ by h²·ab = 0.0012."""
    _, step, _ = rows(capsys, "a*b", "--at", "a=-4,b=-3", "--steps", "1")
    assert step["at"] == {"a": -4.03, "b": -3.04}
    assert step["predicted_gain"] == pytest.approx(0.25, abs=1e-12)
    assert step["actual_gain"] == pytest.approx(0.2512, abs=1e-12)


def test_a_long_climb_of_the_saddle_is_called_unbounded(capsys):
    found = rows(capsys, SADDLE, "--at", "a=5,b=-3,c=-2", "--steps", "400")
    for number, value in ((2, -3.76475), (10, -2.93906), (50, -0.49780), (100, 1.77360)):
        assert found[number]["value"] == pytest.approx(value, abs=5e-6)
    assert found[200]["value"] == pytest.approx(33.364, abs=5e-4)
    assert found[400]["value"] == pytest.approx(9183.2, abs=0.05)
    assert "unbounded: growing without limit" in found[400]["remark"]


def test_descent_without_a_learning_rate(capsys):
    """w^2 with step 1 goes 1, -1, 1, -1 for ever; 2w^2 goes 1, -3, 9, -27, 81, -243."""
    words = ("--descend", "--at", "w=1", "--step", "1", "--steps", "5")
    assert [row["at"]["w"] for row in rows(capsys, "w^2", *words)[:-1]] == [1, -1, 1, -1, 1, -1]
    found = rows(capsys, "2w^2", *words)
    assert [row["at"]["w"] for row in found[:-1]] == [1, -3, 9, -27, 81, -243]
    assert "crossed the bottom, worse: step too long" in found[2]["remark"]
    assert "zig-zag" in found[2]["remark"]


def test_random_steps_repeat_with_their_seed(capsys):
    words = ("a*b", "--at", "a=4,b=3", "--method", "random", "--steps", "1")
    first = rows(capsys, *words)
    assert 12 < first[1]["value"] < 12.0701
    seed = str(first[-1]["seed"])
    assert rows(capsys, *words, "--seed", seed) == first
    assert rows(capsys, *words, "--seed", "1")[1] != rows(capsys, *words, "--seed", "2")[1]


def test_random_steps_make_it_worse_where_both_slopes_are_negative(capsys):
    words = ("a*b", "--at", "a=-4,b=-3", "--method", "random", "--steps", "1")
    for seed in "123456789":
        step = rows(capsys, *words, "--seed", seed)[1]
        assert 11.9301 < step["value"] < 12
        assert step["remark"] == "worse: against the slope"


def test_the_race_shows_what_was_spent_and_gained(capsys):
    words = ("a*b", "--at", "a=-4,b=-3", "--race", "--seed", "1", "--steps", "10")
    ends = {row["racer"]: row for row in rows(capsys, *words) if "stopped" in row}
    assert list(ends) == ["random", "numeric", "gradient"]
    spent = {name: (end["evaluations"], end["sweeps"]) for name, end in ends.items()}
    assert spent == {"random": (11, 0), "numeric": (31, 0), "gradient": (11, 10)}
    assert ends["random"]["value"] < 12 < ends["gradient"]["value"]
    out = ask(capsys, *words)[1]
    assert "gradient gained most" in out or "numeric gained most" in out


# --------------------------------------------------------------------------- formats


def test_json_lines_are_the_contract(capsys):
    code, out, err = ask(capsys, "-x^2", "--at", "x=1", "--step", ".9", "--steps", "2", "--format", "json")  # fmt: skip
    assert (code, err) == (0, "")
    first, second, third, end = (json.loads(text) for text in out.splitlines())
    keys = ["step", "at", "value", "gradient_norm", "predicted_gain", "actual_gain", "remark"]
    assert list(first) == list(second) == keys
    assert first["step"] == 0
    assert first["predicted_gain"] is first["actual_gain"] is None
    assert second["remark"] == "crossed the top, still better"
    assert third["step"] == 2
    assert list(end)[:7] == ["schema", "ok", "stopped", "steps", "evaluations", "sweeps", "at"]
    assert (end["schema"], end["ok"], end["stopped"]) == ("backprop/1", True, "steps")
    assert (end["steps"], end["evaluations"], end["sweeps"]) == (2, 3, 2)
    assert end["value"] == third["value"]


def test_csv_has_every_row_and_reads_back(capsys):
    out = ask(capsys, ROSENBROCK, "--at", "x=-1.2,y=1", "--descend", "--step", "1e-3", "--steps", "300", "--format", "csv")[1]  # fmt: skip
    found = list(csv.DictReader(io.StringIO(out)))
    assert [row["step"] for row in found] == [str(k) for k in range(301)]
    x, y = float(found[300]["x"]), float(found[300]["y"])
    assert float(found[300]["value"]) == pytest.approx((1 - x) ** 2 + 100 * (y - x * x) ** 2)
    assert found[0]["predicted_gain"] == found[0]["ratio"] == ""
    ratio = float(found[9]["actual_gain"]) / float(found[9]["predicted_gain"])
    assert float(found[9]["ratio"]) == ratio


def test_an_input_called_as_a_column_keeps_its_own(capsys):
    out = ask(capsys, "-(value - step)^2", "--at", "value=1,step=2", "--steps", "1", "--format", "csv")[1]  # fmt: skip
    heading, start, _ = csv.reader(io.StringIO(out))
    assert heading[:4] == ["step", "at_value", "at_step", "value"]
    assert start[:4] == ["0", "1.0", "2.0", "-1.0"]


def test_plain_says_where_it_ended_the_value_first(capsys):
    words = ("a*b", "--at", "a=-4,b=-3", "--steps", "1", "--format", "plain")
    assert ask(capsys, *words)[1] == "f 12.2512\na -4.03\nb -3.04\n"
    out = ask(capsys, *words, "--optimizer", "gradient,momentum")[1]
    assert out.startswith("gradient.f 12.2512\ngradient.a -4.03\n")
    assert "momentum.b -3.04\n" in out


def test_inputs_held_still_stand_in_every_row(capsys):
    found = rows(capsys, "a*b", "--at", "a=-4,b=-3", "--wrt", "b", "--steps", "2")
    assert [row["at"]["a"] for row in found] == [-4] * 4
    assert found[0]["gradient_norm"] == 4


TABLES = [
    ("ascend", ("a*b", "--at", "a=-4,b=-3", "--steps", "3"), 80),
    ("ascend_narrow", ("-x^2", "--at", "x=1", "--step", ".9", "--steps", "10"), 60),
    ("ascend_race", ("a*b", "--at", "a=-4,b=-3", "--race", "--seed", "1"), 80),
    ("ascend_rosenbrock", (ROSENBROCK, "--descend", "--at", "x=-1.2,y=1", "--optimizer", "newton,adam", "--step", "0.5", "--steps", "60"), 140),
    ("ascend_not_finite", ("log(x)", "--descend", "--at", "x=1", "--step", "0.4"), 80),
    ("ascend_bounds", ("x+y", "--at", "x=0,y=0", "--bounds", "x=-1:0.02", "--steps", "4"), 80),
]  # fmt: skip


@pytest.mark.parametrize(("name", "words", "columns"), TABLES)
def test_tables(name, words, columns, matches_snapshot):
    done = run_in_terminal("ascend", *words, columns=columns, environment={"NO_COLOR": "1"})
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", done.out).replace("\r\n", "\n")
    assert all(len(line) <= columns for line in text.splitlines())
    matches_snapshot(name, text)


def test_tables_in_ascii(matches_snapshot):
    environment = {"COLUMNS": "90", "PYTHONIOENCODING": "ascii"}
    done = run("ascend", "-(x-1)^2 - y^2", "--at", "x=0,y=1", "--steps", "20", environment=environment)  # fmt: skip
    assert done.out.isascii()
    matches_snapshot("ascend_ascii", done.out)


def test_every_thins_rows_and_rows_limits_them(capsys):
    words = ("-x^2", "--at", "x=1", "--steps", "50")
    numbers = [line.split()[0] for line in ask(capsys, *words, "--every", "20")[1].splitlines()
               if line.startswith("  ") and line.split()[0].isdigit()]  # fmt: skip
    assert numbers[:4] == ["0", "20", "40", "50"]
    out = ask(capsys, *words, "--every", "1", "--rows", "3")[1]
    assert "48 rows are not shown" in out or "48 more rows" in out


# --------------------------------------------------------------------------- stopping

STOPS = [
    (("-x^2", "--at", "x=1", "--steps", "3"), 0, "steps"),
    (("-x^2", "--at", "x=1", "--step", ".4", "--until-gradient", "1e-8"), 0, "gradient"),
    (("-x^2", "--at", "x=0"), 0, "gradient"),
    (("-x^2", "--at", "x=1", "--step", "1e-20"), 0, "no-progress"),
    (("x", "--at", "x=0", "--bounds", "x=:0.05"), 0, "no-progress"),
    (("exp(x)", "--at", "x=1", "--step", "1"), 3, "not-finite"),
    (("sqrt(x)", "--descend", "--at", "x=1", "--step", "3"), 3, "not-finite"),
]


@pytest.mark.parametrize(("words", "code", "why"), STOPS)
def test_it_stops_for_one_of_four_reasons(capsys, words, code, why):
    got, out, _ = ask(capsys, *words, "--format", "json")
    end = json.loads(out.splitlines()[-1])
    assert (got, end["stopped"], end["ok"]) == (code, why, code == 0)


def test_the_last_good_point_is_kept_and_the_bad_one_explained(capsys):
    """sqrt(x) from 1 by 3/2: the next point is -0.5, outside the domain."""
    code, out, err = ask(capsys, "sqrt(x)", "--descend", "--at", "x=1", "--step", "3", "--format", "json")  # fmt: skip
    end = json.loads(out.splitlines()[-1])
    assert code == 3
    assert end["at"] == {"x": 1.0}
    assert end["error"]["code"] == "undefined"
    assert "step 1 is not finite" in err
    assert "sqrt" in err
    assert "^" in err


def test_a_start_that_is_undefined_has_no_steps(capsys):
    code, out, err = ask(capsys, "log(x)", "--at", "x=-1")
    assert code == 3
    assert "log needs x > 0, got x = -1" in err
    assert "step 1" not in err
    assert "Traceback" not in out + err


# --------------------------------------------------------------------------- refusals

REFUSED = [
    (("a*b", "--at", "a=1"), "b"),
    (("a*b", "--at", "a=1,b=2,c=3"), "c"),
    (("a*b", "--at", "a=1,b=2", "--wrt", "c"), "c"),
    (("a*b", "--at", "a=1,b=2", "--of", "g"), "g"),
    (("f=a*b;g=a+b", "--at", "a=1,b=2", "--of", "f,g"), "one output"),
    (("a*b", "--at", "a=1,b=2", "--step", "0"), "above 0"),
    (("a*b", "--at", "a=1,b=2", "--step", "x"), "--step"),
    (("a*b", "--at", "a=1,b=2", "--step", "1/0"), "finite"),
    (("a*b", "--at", "a=1,b=2", "--steps", "-1"), "--steps"),
    (("a*b", "--at", "a=1,b=2", "--until-gradient", "-1"), "0 or more"),
    (("a*b", "--at", "a=1,b=2", "--optimizer", "adma"), "adam"),
    (("a*b", "--at", "a=1,b=2", "--beta1", "0.9"), "--beta1"),
    (("a*b", "--at", "a=1,b=2", "--optimizer", "adam", "--momentum", ".9"), "--momentum"),
    (("a*b", "--at", "a=1,b=2", "--race", "--method", "random"), "--race"),
    (("a*b", "--at", "a=1,b=2", "--race", "--optimizer", "adam"), "--race"),
    (("a*b", "--at", "a=1,b=2", "--method", "random", "--line-search"), "random"),
    (("a*b", "--at", "a=1,b=2", "--method", "numeric", "--optimizer", "newton"), "newton"),
    (("a*b", "--at", "a=1,b=2", "--optimizer", "adam", "--line-search"), "--line-search"),
    (("a*b", "--at", "a=1,b=2", "--optimizer", "newton", "--update", "sequential"), "sequential"),
    (("a*b", "--at", "a=1,b=2", "--difference", "1e-3"), "--difference"),
    (("a*b", "--at", "a=1,b=2", "--batch-size", "2"), "--batch-size"),
    (("a*b", "--at", "a=1,b=2", "--bounds", "a=2:3"), "outside its bounds"),
    (("a*b", "--at", "a=1,b=2", "--bounds", "a=3:2"), "wrong order"),
    (("a*b", "--at", "a=1,b=2", "--bounds", "a=3"), "two bounds"),
    (("a*b", "--at", "a=1,b=2", "--bounds", "c=0:1"), "c is no input"),
    (("a*b", "--at", "a=1,b=2", "--bounds", "a=0:y"), "--bounds"),
    (("a*b", "--at", "a=1,b=2", "--plot", "path.png"), ".svg"),
    (("a*b", "--at", "a=1,b=2", "--every", "5", "--format", "csv"), "--every"),
    (("a*b", "--at", "a=1,b=2", "--data", "/no/such.csv"), "such.csv"),
    (("a*b", "--at", "a=1,b=2", "--seed", "1"), "--seed"),
    (("a*b", "--at", "a=1,b=2", "--optimizer", "adam", "--beta1", "1"), "below 1"),
    (("a*b", "--at", "a=1,b=2", "--method", "random", "--until-gradient", "1"), "random"),
    (("2+3", "--at", "a=1"), "a"),
    (("2+3",), "no input to move"),
]


@pytest.mark.parametrize(("words", "fragment"), REFUSED)
def test_what_makes_no_sense_is_refused(capsys, words, fragment):
    code, out, err = ask(capsys, *words)
    assert code == 2
    assert out == ""
    assert err.startswith("error: ")
    assert fragment in err


def test_a_refusal_is_json_where_json_was_asked_for(capsys):
    code, out, err = ask(capsys, "a*b", "--at", "a=1,b=2", "--step", "0", "--format", "json")
    assert code == 2
    assert json.loads(out)["error"]["code"] == "option"
    assert "error:" in err


# --------------------------------------------------------------------------- data


def test_a_line_is_fitted_to_data(capsys, line):
    words = ("(w*x + b - y)^2", "--descend", "--at", "w=0,b=0", "--data", line)
    end = rows(capsys, *words, "--step", "0.1", "--steps", "2000", "--until-gradient", "1e-10")[-1]
    assert end["stopped"] == "gradient"
    assert end["at"] == pytest.approx({"w": 2, "b": 1}, abs=1e-9)
    first = rows(capsys, *words, "--steps", "1")[0]
    assert first["value"] == (1 + 9 + 25 + 49) / 4
    newton = rows(capsys, *words, "--optimizer", "newton", "--steps", "1")[-1]
    assert newton["at"] == pytest.approx({"w": 2, "b": 1}, abs=1e-12)


def test_the_table_says_what_the_data_bind(capsys, line):
    out = ask(capsys, "(w*x + b - y)^2", "--descend", "--at", "w=0,b=0", "--data", line)[1]
    assert "f is the mean over 4 rows" in out
    assert "which bind x, y" in out


def test_batches_repeat_with_their_seed_and_learn(capsys, line):
    words = ("(w*x + b - y)^2", "--descend", "--at", "w=0,b=0", "--data", line,
             "--batch-size", "3", "--step", "0.05", "--steps", "600")  # fmt: skip
    first = rows(capsys, *words, "--seed", "7")
    assert first == rows(capsys, *words, "--seed", "7")
    assert first[1]["at"] != rows(capsys, *words, "--seed", "8")[1]["at"]
    assert first[-1]["seed"] == 7
    assert first[-1]["at"] == pytest.approx({"w": 2, "b": 1}, abs=1e-4)


def test_a_row_of_the_data_that_is_undefined_is_named(capsys, tmp_path):
    path = tmp_path / "d.csv"
    path.write_text("x\n1\n-1\n")
    code, _, err = ask(capsys, "w*log(x)", "--at", "w=1", "--data", str(path))
    assert code == 3
    assert "row 2 of the data: log needs x > 0, got x = -1" in err


def test_data_without_numpy_say_how_to_get_it(line, tmp_path):
    (tmp_path / "numpy.py").write_text("raise ImportError('broken')\n")
    words = ("ascend", "(w*x - y)^2", "--at", "w=0", "--data", line)
    done = run(*words, environment={"PYTHONPATH": str(tmp_path)})
    assert done.code == 2
    assert "--data needs NumPy" in done.err
    assert "pip install 'backprop-cli[data]'" in done.err


NIST = json.loads((DATA / "nist.json").read_text(encoding="utf-8"))["problems"]
STARTS = [(name, k) for name, problem in NIST.items() for k in range(len(problem["starts"]))]


@pytest.mark.parametrize(("name", "start"), STARTS)
def test_the_regressions_of_nist_come_out_from_their_published_starts(capsys, name, start):
    """Every certified parameter to eight digits, by Newton's method with a line search."""
    problem = NIST[name]
    point = ",".join(f"{key}={value}" for key, value in problem["starts"][start].items())
    words = (f"(y - {problem['model']})^2", "--descend", "--at", point, "--optimizer", "newton",
             "--line-search", "--steps", "200", "--data", str(DATA / f"{name}.csv"))  # fmt: skip
    end = rows(capsys, *words)[-1]
    assert end["stopped"] == "no-progress"
    assert end["at"] == pytest.approx(problem["certified"], rel=1e-8)


def test_a_name_given_by_the_point_and_by_the_data_is_refused(capsys, line):
    code, _, err = ask(capsys, "(w*x - y)^2", "--at", "w=0,x=1", "--data", line)
    assert code == 2
    assert "x given by --at and by --data" in err


def test_kinks_are_looked_for_in_the_rows_of_the_data(capsys, tmp_path):
    """|w·x - y| at w = 2 has a kink in the row (1, 2), not in (0, 2)."""
    path = tmp_path / "d.csv"
    path.write_text("x,y\n0,2\n1,2\n")
    _, _, err = ask(capsys, "abs(w*x-y)", "--descend", "--at", "w=2", "--data", str(path))
    assert err.startswith("warning: row 2 of the data: ")


def test_a_bad_row_far_down_the_data_is_named(capsys, tmp_path):
    path = tmp_path / "d.csv"
    path.write_text("x\n" + "1\n" * 20_000 + "-1\n")
    code, _, err = ask(capsys, "w*log(x)", "--at", "w=1", "--data", str(path))
    assert code == 3
    assert "row 20,001 of the data: log needs x > 0" in err


def test_batches_are_counted_and_the_looks_of_the_microscope_are_not(capsys, line):
    words = ("(w*x - y)^2", "--descend", "--at", "w=0", "--data", line, "--batch-size", "1")
    end = rows(capsys, *words, "--steps", "3")[-1]
    assert (end["evaluations"], end["sweeps"]) == (3, 3)


# --------------------------------------------------------------------------- what is said


@pytest.mark.parametrize(
    "words",
    [
        ("10000*sigmoid(x)", "--at", "x=-12", "--step", "0.002", "--steps", "20000"),
        ("1e4*exp(-(x-10)^2/20)", "--at", "x=-2", "--step", "0.001", "--steps", "2000"),
        ("x^2", "--at", "x=1", "--step", "0.1", "--bounds", "x=0:100", "--steps", "60"),
    ],
)
def test_what_only_looks_unbounded_is_not_called_so(capsys, words):
    assert "unbounded" not in ask(capsys, *words)[1]


@pytest.mark.parametrize(
    ("words", "remark"),
    [
        (("x^2", "--at", "x=1", "--step", "0.05"), "unbounded: growing without limit"),
        (("-x*y", "--descend", "--at", "x=1,y=2", "--step", "0.1"), "unbounded: falling without limit"),
    ],
)  # fmt: skip
def test_what_is_unbounded_is_called_so(capsys, words, remark):
    assert rows(capsys, *words, "--steps", "80")[80]["remark"] == remark


def test_numeric_differences_go_on_where_the_exact_slope_is_0(capsys):
    """relu at 0: the convention's slope is 0, the forward difference is 1."""
    end = rows(capsys, "relu(x)", "--at", "x=0", "--method", "numeric", "--steps", "4")[-1]
    assert end["at"]["x"] == pytest.approx(0.04)


def test_a_race_without_gain_has_no_winner(capsys):
    words = ("--race", "--seed", "1", "--steps", "2")
    assert "None of them gained." in ask(capsys, "0*x", "--at", "x=1", *words)[1]
    assert "None of them gained." in ask(capsys, "log(x)", "--at", "x=-1", *words)[1]


def test_a_move_that_is_not_finite_is_named(capsys):
    code, _, err = ask(capsys, "a*b", "--at", "a=0,b=-3", "--optimizer", "adam", "--epsilon", "0")
    assert code == 3
    assert "b would be nan" in err
    assert "x would be inf" in ask(capsys, "x", "--at", "x=1e308", "--step", "1e308")[2]


def test_newton_lands_on_the_top_of_a_parabola_exactly(capsys):
    end = rows(capsys, "-x^2", "--at", "x=1", "--optimizer", "newton")[-1]
    assert (end["steps"], end["at"]["x"], end["stopped"]) == (1, 0, "gradient")


def test_a_damped_newton_step_is_remarked(capsys):
    found = rows(capsys, "x^4 - x^2", "--descend", "--at", "x=0.1", "--optimizer", "newton", "--steps", "3")  # fmt: skip
    assert "newton's step damped" in found[1]["remark"]


def test_the_line_search_says_that_it_found_nothing_better(capsys):
    words = ("x-log(x)", "--descend", "--at", "x=3", "--optimizer", "newton", "--line-search")
    assert "the line search finds no better place" in ask(capsys, *words)[1]
    end = rows(capsys, "x", "--at", "x=1", "--bounds", "x=:1", "--line-search")[-1]
    assert (end["stopped"], end["evaluations"]) == ("no-progress", 1)


def test_the_seed_is_told_where_it_was_not_given(capsys):
    words = ("a*b", "--at", "a=4,b=3", "--method", "random", "--steps", "1", "--format", "plain")
    _, out, err = ask(capsys, *words)
    (seed,) = re.findall(r"note: --seed (\d+) repeats", err)
    assert ask(capsys, *words, "--seed", seed)[1] == out


def test_columns_of_csv_have_different_names(capsys):
    words = ("step*at_step*value", "--at", "step=1,at_step=2,value=3", "--steps", "1")
    heading = ask(capsys, *words, "--format", "csv")[1].splitlines()[0].split(",")
    assert len(set(heading)) == len(heading)


def test_many_inputs_have_no_columns_of_their_own(capsys):
    names = [f"x{k}" for k in range(50)]
    text = " + ".join(f"{name}^2" for name in names)
    out = ask(capsys, text, "--at", ",".join(f"{name}=1" for name in names), "--rows", "5", "--descend")[1]  # fmt: skip
    assert "the 50 inputs have no column here; csv and json have all" in out
    assert "every 5th row of 101; --every 1 shows all" in out
    assert "and 45 more" in out


def test_each_axis_of_the_map_has_its_own_range():
    """x goes from 1 to 0 while y goes from 1e6 to 0: x must not be drawn on an axis of ±200,000."""
    words = ("ascend", "--descend", "1e-3*x^2+(y/1e6)^2", "--at", "x=1,y=1e6", "--optimizer", "newton", "--step", "0.5", "--steps", "9")  # fmt: skip
    out = run(*words).out
    axis = out.splitlines()[-2]
    assert axis.split()[-1] == "x"
    assert max(float(text) for text in axis.split()[:-1]) <= 2


# --------------------------------------------------------------------------- pictures, progress


def test_plot_writes_a_valid_picture_of_the_path(capsys, tmp_path):
    path = tmp_path / "path.svg"
    words = (ROSENBROCK, "--descend", "--at", "x=-1.2,y=1", "--step", "1e-3", "--format", "plain")
    assert ask(capsys, *words, "--plot", str(path))[0] == 0
    tree = ElementTree.parse(path).getroot()
    assert tree.tag.endswith("svg")
    text = path.read_text()
    assert "contour" in text
    assert 'class="line p0"' in text
    assert ask(capsys, "-x^2", "--at", "x=1", "--format", "plain", "--plot", str(path))[0] == 0
    assert "contour" not in path.read_text().partition("</style>")[2]


def test_a_picture_that_cannot_be_written_is_refused_before_the_climb(capsys, tmp_path):
    for path in ("/no/such/p.svg", str(tmp_path / "folder.svg")):
        (tmp_path / "folder.svg").mkdir(exist_ok=True)
        code, out, err = ask(capsys, "-x^2", "--at", "x=1", "--plot", path, "--format", "plain")
        assert (code, out) == (2, "")
        assert "cannot write" in err


def test_progress_is_shown_on_a_terminal_only():
    words = ("ascend", "-x^2", "--at", "x=1", "--step", "1e-14", "--steps", "20000000",
             "--format", "plain", "--engine", "python")  # fmt: skip
    assert "steps" in run_in_terminal(*words).out
    done = run(*words)
    assert done.err == ""
    assert done.out.startswith("f ")


@pytest.mark.parametrize("engine", ["python", "auto"])
def test_ctrl_c_ends_a_long_climb(engine):
    done = run_in_terminal("ascend", "-x^2", "--at", "x=1", "--step", "1e-14",
                           "--steps", "10000000000", "--engine", engine, kill_after=1.5)  # fmt: skip
    assert done.code == 130
    assert "Traceback" not in done.out
