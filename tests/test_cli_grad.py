"""`backprop grad` in a pipe: answers, formats, options, exit codes."""

import json
import math

import pytest

from backprop_cli.commands.main import run as run_words
from tests.command import run


def ask(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    """Run the command in this process: exit code, stdout, stderr."""
    code = run_words(list(words))
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def answer(capsys: pytest.CaptureFixture[str], *words: str) -> dict:
    return json.loads(ask(capsys, "grad", "--format", "json", *words)[1])


POSTS = [
    ("a*b", "a=4,b=3", 12, {"a": 3, "b": 4}),
    ("x*y", "x=-2,y=3", -6, {"x": 3, "y": -2}),
    ("x = a+b; y = b+c; f = x*y", "a=2,b=-3,c=4", -1, {"a": 1, "b": 0, "c": -1}),
    ("x = a+b; y = b+c; f = x*y", "a=1,b=2,c=3", 15, {"a": 5, "b": 8, "c": 3}),
    ("x = a+b; y = b+c; f = x*y", "a=5,b=-3,c=-2", -10, {"a": -5, "b": -3, "c": 2}),
    ("d = a+b; f = d*c", "a=5,b=-3,c=-2", -4, {"a": -2, "b": -2, "c": 2}),
    ("2*x+4", "x=7", 18, {"x": 2}),
    ("(3*x+4*y)^3", "x=1,y=1", 343, {"x": 441, "y": 588}),
    ("(3*x+4*y)^3", "x=2,y=-1", 8, {"x": 36, "y": 48}),
    ("(x+y)*z", "x=-2,y=5,z=-4", -12, {"x": -4, "y": -4, "z": 3}),
    ("e=(a+b)*(b+1)", "a=2,b=1", 6, {"a": 2, "b": 5}),
    ("(x+sigmoid(y))/(sigmoid(x)+(x+y)^2)", "x=3,y=-4", 1.5456449, {"x": 2.0595698, "y": 1.5922327}),
    ("sigmoid(w0*x0+w1*x1+w2)", "w0=2,x0=-1,w1=-3,x1=-2,w2=-3", 0.7310586,
     {"w0": -0.1966119, "x0": 0.3932239, "w1": -0.3932239, "x1": -0.5898358, "w2": 0.1966119}),
    ("d=a+b;e=d*c;f=sigmoid(e)", "a=1,b=-2,c=-3", 0.9525741, {"a": -0.13553, "b": -0.13553, "c": -0.045177}),
]  # fmt: skip


@pytest.mark.parametrize(("expression", "point", "value", "gradient"), POSTS)
def test_the_examples_of_the_lectures_come_out_of_one_command(
    capsys, expression, point, value, gradient
):
    got = answer(capsys, expression, "--at", point)
    assert got["value"] == pytest.approx(value, rel=1e-6)
    assert got["gradient"] == pytest.approx(gradient, rel=1e-4)


def test_json_is_the_contract(capsys):
    got = answer(capsys, "(a+b)*(b+c)", "--at", "a=5,b=-3,c=-2", "--show", "reverse",
                 "--check", "forward,numeric")  # fmt: skip
    assert list(got)[:6] == ["schema", "ok", "expression", "at", "value", "gradient"]
    assert got["schema"] == "backprop/1"
    assert got["ok"] is True
    assert got["expression"] == "(a + b)*(b + c)"
    assert got["at"] == {"a": 5.0, "b": -3.0, "c": -2.0}
    assert got["modes"]["forward"] == {"a": -5.0, "b": -3.0, "c": 2.0}
    assert abs(got["modes"]["numeric"]["a"]["value"] + 5) <= got["modes"]["numeric"]["a"]["error"]
    assert got["agree"] is True
    first = next(node for node in got["nodes"] if node["name"] == "v1")
    assert first["operation"] == "add"
    assert first["operands"] == ["a", "b"]
    assert (first["value"], first["adjoint"], first["locals"]) == (2.0, -5.0, [1.0, 1.0])
    assert first["contributions"] == [{"from": "f", "upstream": 1.0, "local": -5.0, "value": -5.0}]
    assert got["warnings"] == []


def test_both_contributions_to_a_reused_input_are_there(capsys):
    got = answer(capsys, "x=a+b;y=b+c;f=x*y", "--at", "a=2,b=-3,c=4", "--show", "reverse")
    shared = next(node for node in got["nodes"] if node["name"] == "b")
    assert {(c["from"], c["value"]) for c in shared["contributions"]} == {("x", 1.0), ("y", -1.0)}
    assert shared["adjoint"] == 0.0


REFUSALS = [
    (["grad", "sine(x)", "--at", "x=1"], 2, "did you mean 'sin'?"),
    (["grad", "(a+b)*c", "--at", "a=1"], 2, "no value for b, c"),
    (["grad", "a+b", "--at", "A=1,b=2"], 2, "A: did you mean a?"),
    (["grad", "a", "--at", "a=1,a=2"], 2, "given more than once"),
    (["grad", "a", "--at", "a=2;b=3"], 2, "a=2;b=3\n           ^\n  a comma ends a binding"),
    (["grad", "a", "--at", "a= 1/2\nb=3"], 2, "a value is one expression"),
    (["grad", "a", "--at", "a=inf"], 2, "inf is not a number"),
    (["grad", "a", "--at", "a=1/0"], 2, "not finite"),
    (["grad", "a", "--at", "a"], 2, "has no value"),
    (["grad", "a", "--at", "a=1,,"], 2, "empty binding"),
    (["grad", "x", "--at", "x=1", "--wrt", "y"], 2, "--wrt: the program has no name 'y'"),
    (["grad", "x", "--at", "x=1", "--of", "y"], 2, "--of: the program has no name 'y'"),
    (["grad", "x", "--at", "x=1", "--show", "backward"], 2, "--show takes"),
    (["grad", "x", "--at", "x=1", "--show", "none,reverse"], 2, "stands alone"),
    (["grad", "x", "--at", "x=1", "--fromat", "json"], 2, "--format"),
    (["grad", "x", "--at", "x=1", "--format", "xml"], 2, "'xml' is not one of"),
    (["grad", "x", "y", "--at", "x=1"], 2, "unexpected extra argument"),
    (["grad", "@no-such-file"], 2, "cannot read"),
    (["grad", "@."], 2, "cannot read"),
    (["grad"], 2, "missing argument"),
    (["x^2"], 2, "write backprop grad 'x^2'"),
    (["gard", "x"], 2, "did you mean backprop grad?"),
    (["ops", "tanhh"], 2, "did you mean 'tanh'?"),
    (["grad", "log(x)", "--at", "x=-3", "--check", "none"], 3, "log needs x > 0, got x = -3"),
    (["grad", "1/x", "--at", "x=0", "--check", "none"], 3, "1/x needs x other than 0"),
    (["grad", "abs(x)", "--at", "x=0", "--kink", "error", "--check", "none"], 3, "kink along x"),
    (["grad", "floor(x)", "--at", "x=2", "--kink", "left", "--check", "none"], 3, "jumps to the left"),
]  # fmt: skip


@pytest.mark.parametrize(("words", "code", "message"), REFUSALS)
def test_a_refusal_says_what_is_wrong_and_has_the_right_code(capsys, words, code, message):
    got, _, err = ask(capsys, *words)
    assert got == code
    assert message in err
    assert "error: " in err


@pytest.mark.parametrize(("words", "code", "message"), REFUSALS)
def test_a_refusal_is_json_where_json_was_asked_for(capsys, words, code, message):
    if words[0] != "grad" or "--format" in words:
        return
    got, out, _ = ask(capsys, *words, "--format", "json")
    assert got == code
    made = json.loads(out)
    assert made["ok"] is False
    assert made["error"]["code"]
    assert made["error"]["message"]


def test_an_error_points_at_the_column(capsys):
    _, _, err = ask(capsys, "grad", "1 + sine(x)", "--at", "x=1")
    assert err.splitlines()[1:3] == ["  1 + sine(x)", "      ^^^^"]


@pytest.mark.parametrize(
    ("words", "value"),
    [
        (["-x^2", "--at", "x=3"], "f -9.0"),
        (["--at", "x=3", "-2*x"], "f -6.0"),
        (["--at", "x=-3", "--", "-x"], "f 3.0"),
        (["-h^2", "--at", "h=3"], "f -9.0"),
        (["--at=a=2", "-a+1"], "f -1.0"),
    ],
)
def test_an_expression_may_begin_with_a_dash(capsys, words, value):
    code, out, _ = ask(capsys, "grad", "--format", "plain", *words)
    assert (code, out.splitlines()[0]) == (0, value)


def test_an_expression_comes_from_a_file_or_standard_input(tmp_path):
    path = tmp_path / "program.txt"
    path.write_bytes("\ufeffu = x·y # product\r\nf = u²\r\n".encode())
    point = tmp_path / "point.json"
    point.write_text('{"x": 2, "y": "1/2"}')
    assert run("grad", f"@{path}", "--at", f"@{point}", "--format", "plain").out == (
        "f 1.0\nx 1.0\ny 4.0\n"
    )
    assert (
        run("grad", "-", "--at", "x=3", "--format", "plain", stdin="x^2\n").out == "f 9.0\nx 6.0\n"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"x": NaN}', "NaN is not a JSON number"),
        ('{"x": 1, "x": 2}', "given more than once"),
        ("[1]", "must be an object"),
        ('{"x": true}', "must be a number or a string"),
        ("{", "not valid JSON"),
    ],
)
def test_a_point_file_is_read_strictly(capsys, tmp_path, text, message):
    path = tmp_path / "point.json"
    path.write_text(text)
    code, _, err = ask(capsys, "grad", "x", "--at", f"@{path}")
    assert code == 2
    assert message in err


def test_several_outputs_have_a_gradient_each(capsys):
    got = answer(capsys, "f = a*b; g = a+b", "--at", "a=2,b=3", "--of", "f,g")
    assert got["value"] == {"f": 6.0, "g": 5.0}
    assert got["gradient"] == {"f": {"a": 3.0, "b": 2.0}, "g": {"a": 1.0, "b": 1.0}}


def test_wrt_takes_named_intermediates(capsys):
    got = answer(capsys, "d = a+b; f = d*c", "--at", "a=5,b=-3,c=-2", "--wrt", "d,c")
    assert got["gradient"] == {"d": -2.0, "c": 2.0}


def test_an_unused_input_has_gradient_zero_and_a_constant_has_none(capsys):
    assert answer(capsys, "u = x^2; v = y; u", "--at", "x=3,y=1")["gradient"] == {
        "x": 6.0,
        "y": 0.0,
    }
    assert answer(capsys, "5")["gradient"] == {}


def test_precision_reads_literals_as_exact_decimals(capsys):
    got = answer(capsys, "x + 0.1 - 0.3", "--at", "x=0.2", "--precision", "40")
    assert abs(float(got["value"])) < 1e-45
    assert isinstance(got["value"], str)
    got = answer(capsys, "exp(x)", "--at", "x=1", "--precision", "30")
    assert got["gradient"]["x"].startswith("2.7182818284590452353602874713")


def test_an_undefined_answer_carries_what_there_is(capsys):
    code, out, _ = ask(capsys, "grad", "--format", "json", "x + log(y)", "--at", "x=1,y=-1")
    got = json.loads(out)
    assert code == 3
    assert got["ok"] is False
    assert got["value"] == "NaN"
    assert got["error"]["code"] == "undefined"
    assert got["error"]["column"] == 5
    assert got["gradient"]["y"] == "NaN"


def test_kink_left_and_right_are_true_one_sided_slopes(capsys):
    for side, slope in (("left", -1.0), ("right", 1.0)):
        got = answer(capsys, "abs(x)", "--at", "x=0", "--kink", side)
        assert got["gradient"]["x"] == slope
    assert answer(capsys, "abs(x)-abs(-x)", "--at", "x=0", "--kink", "left")["gradient"]["x"] == 0


def test_machine_numbers_read_back_exactly(capsys):
    got = answer(capsys, "x/3", "--at", "x=0.1")
    assert got["value"] == 0.1 / 3
    assert math.copysign(1, answer(capsys, "x", "--at", "x=-0.0")["value"]) == -1


def test_a_warning_is_on_stderr_and_the_answer_on_stdout(capsys):
    code, out, err = ask(capsys, "grad", "relu(x)", "--at", "x=0", "--format", "plain")
    assert code == 0
    assert out == "f 0.0\nx 0.0\n"
    assert err.startswith("warning: f (relu) has a kink along x")


def test_the_side_that_was_taken_has_its_local_slope_though_both_are_the_same_node(capsys):
    got = answer(capsys, "where(x>0, y, y)", "--at", "x=-1,y=2", "--show", "reverse")
    assert next(node for node in got["nodes"] if node["name"] == "f")["locals"] == [None, None, 1.0]


@pytest.mark.parametrize(("expression", "slope"), [("x^2", 0), ("(x-1)^3 + x", 4), ("x^1", 1)])
def test_whole_powers_are_smooth_at_a_base_of_zero(capsys, expression, slope):
    got = answer(capsys, expression, "--at", "x=0", "--check", "numeric")
    assert got["modes"]["numeric"]["x"]["value"] == pytest.approx(slope, abs=1e-9)
    assert got["agree"] is True


def test_differences_of_a_function_faster_than_the_step_confirm_nothing(capsys):
    got = answer(capsys, "cos(3e12*x)", "--at", "x=0.7", "--check", "numeric")
    assert "stable difference" in got["modes"]["numeric"]["x"]["skipped"]
    assert got["agree"] is True


@pytest.mark.parametrize("expression", ["(x - cbrt(x))^2", "mse(exp(x-1), 1)", "(0.1*x - 0.1)^2"])
def test_a_perfect_fit_is_no_disagreement(capsys, expression):
    """Value and slope are 0, so first-order rounding is 0 too; the stencil's own is not."""
    code, out, _ = ask(capsys, "grad", expression, "--at", "x=1", "--format", "json",
                       "--check", "forward,numeric")  # fmt: skip
    assert (code, json.loads(out)["agree"]) == (0, True)
