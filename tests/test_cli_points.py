"""`backprop grad --points`: rows in, rows out, and what is said of them, as users see it."""

import csv
import json
import os
import signal
import subprocess
import sys
import time

import pytest
from command import PLAIN_ENVIRONMENT, PROGRAM, run, run_in_terminal

pytest.importorskip("numpy")


@pytest.fixture
def points(tmp_path, monkeypatch):
    """Return a function that writes p.csv, where the test then stands, and runs `grad` on it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", os.path.dirname(os.path.dirname(__file__)))

    def answer(text, *words, environment=None):
        (tmp_path / "p.csv").write_text(text, encoding="utf-8", newline="")
        path = {"PYTHONPATH": os.environ["PYTHONPATH"]} | (environment or {})
        return run("grad", *words, "--points", "p.csv", environment=path)

    return answer


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(text.splitlines()))


def test_columns_bind_names_and_at_binds_the_others(points):
    done = points("x,y\n1,2\n-3,0.5\n", "(w*x - y)^2", "--at", "w=2")
    assert (done.code, done.err) == (0, "")
    assert done.out == "value,d_w,d_x,d_y,flag\n0.0,0.0,0.0,-0.0,\n42.25,39.0,-26.0,13.0,\n"


def test_the_numbers_are_those_of_one_point_and_read_back_exactly(points):
    done = points("x,y\n0.1,0.7\n1e-5,1e17\n", "exp(x)/y + tanh(x*y)")
    for row, at in zip(rows(done.out), ("x=0.1,y=0.7", "x=1e-5,y=1e17"), strict=True):
        one = run("grad", "exp(x)/y + tanh(x*y)", "--at", at, "--format", "plain")
        expected = dict(line.split() for line in one.out.splitlines())
        found = {"f": row["value"], "x": row["d_x"], "y": row["d_y"]}
        assert {k: float(v) for k, v in found.items()} == pytest.approx(
            {k: float(v) for k, v in expected.items()}, rel=1e-15, abs=0
        )
        assert all(repr(float(text)) == text for text in found.values())


def test_flags_say_what_grad_says(points):
    done = points(
        "x,y\n1,2\n0,1\n-1,1\n1,0\n2.5,3\n",
        "where(x < 2, log(x + 0.5), floor(y)) + abs(x) + sqrt(y)",
    )
    assert [row["flag"] for row in rows(done.out)] == ["", "kink", "undefined", "not-finite", "jump"]  # fmt: skip
    assert done.code == 3
    assert rows(done.out)[2] == {"value": "NaN", "d_x": "NaN", "d_y": "NaN", "flag": "undefined"}
    assert rows(done.out)[3]["d_y"] == "Infinity"
    assert done.err.splitlines()[0].startswith("warning: kink in 1 of 5 rows; the first is row 2 of the answer: v")  # fmt: skip
    assert "error: undefined in 1 of 5 rows; the first is row 3 of the answer: log needs x + 0.5 > 0, got x + 0.5 = -0.5" in done.err  # fmt: skip
    assert "error: not-finite in 1 of 5 rows; the first is row 4 of the answer: sqrt has no finite slope at y = 0" in done.err  # fmt: skip


@pytest.mark.parametrize(
    ("kink", "cells", "code"),
    [
        ("convention", ("0.0", "0.0", "kink"), 0),
        ("left", ("0.0", "-1.0", "kink"), 0),
        ("right", ("0.0", "1.0", "kink"), 0),
        ("error", ("0.0", "0.0", "kink"), 3),
    ],
)
def test_what_is_answered_at_a_kink_is_asked_for(points, kink, cells, code):
    done = points("x\n2\n0\n", "abs(x)", "--kink", kink)
    assert tuple(rows(done.out)[1].values()) == cells
    assert tuple(rows(done.out)[0].values()) == ("2.0", "1.0", "")
    assert done.code == code


def test_columns_pass_through_when_asked_for(points):
    text = 'id,x,note\n7,1,"a, ""b"""\n8,2,\n'
    assert points(text, "x^2").out == "value,d_x,flag\n1.0,2.0,\n4.0,4.0,\n"
    assert points(text, "x^2", "--keep", "note,id").out == (
        'note,id,value,d_x,flag\n"a, ""b""",7,1.0,2.0,\n,8,4.0,4.0,\n'
    )
    assert points(text, "x^2", "--keep", "all").out == (
        'id,x,note,value,d_x,flag\n7,1,"a, ""b""",1.0,2.0,\n8,2,,4.0,4.0,\n'
    )


def test_wrt_and_of_choose_the_columns_of_the_answer(points):
    done = points("x,y\n1,2\n", "u = x*y; v = u + x", "--wrt", "u,x")
    assert done.out == "value,d_u,d_x,flag\n3.0,1.0,3.0,\n"
    done = points("x,y\n1,2\n", "u = x*y; v = u + x", "--of", "u,v", "--wrt", "x")
    assert done.out == "value_u,d_u_x,value_v,d_v_x,flag\n2.0,2.0,3.0,3.0,\n"


def test_json_lines_are_those_of_grad_without_the_expression(points):
    text = "id,x,y\na,1,2\nb,0,3\nc,-1,1\n"
    done = points(text, "abs(x)*y + log(x + w)", "--at", "w=0.5", "--keep", "id", "--format", "json")  # fmt: skip
    lines = [json.loads(line) for line in done.out.splitlines()]
    assert [line.pop("columns") for line in lines] == [{"id": "a"}, {"id": "b"}, {"id": "c"}]
    for line, at in zip(lines, ("x=1,y=2", "x=0,y=3", "x=-1,y=1"), strict=True):
        one = run("grad", "abs(x)*y + log(x + w)", "--at", f"w=0.5,{at}", "--format", "json")
        expected = json.loads(one.out)
        del expected["expression"]
        assert line == expected
    assert done.code == 3


def test_json_of_several_outputs_has_objects_by_output(points):
    done = points("x\n3\n", "u = x^2; v = u*x", "--of", "u,v", "--format", "json")
    line = json.loads(done.out)
    assert line["value"] == {"u": 9.0, "v": 27.0}
    assert line["gradient"] == {"u": {"x": 6.0}, "v": {"x": 27.0}}


def test_at_a_bad_row_it_stops_and_says_where(points):
    done = points("x\n1\n2\nabc\n4\n", "x^2")
    assert done.code == 2
    assert done.out == "value,d_x,flag\n1.0,2.0,\n4.0,4.0,\n"
    assert done.err == (
        "error: p.csv line 4: column x: 'abc' is not a number\n"
        "  --on-error skip leaves such rows out\n"
    )


def test_bad_rows_are_skipped_when_asked_for_and_told(points):
    done = points("x,y\n1,1\n2\n\n3,\n4,4\n", "x*y", "--on-error", "skip")
    assert done.code == 0
    assert [row["value"] for row in rows(done.out)] == ["1.0", "16.0"]
    assert done.err == (
        "skipped: p.csv line 3: 1 cell, but 2 columns\n"
        "skipped: p.csv line 5: column y: the cell is empty\n"
        "note: 1 blank line skipped\n"
    )


def test_blank_lines_are_skipped_and_counted(points):
    """Also where each row is one cell, so that a blank line could be a cell that is missing."""
    done = points("\nx\n1\n\n3\n", "x^2")
    assert done.out == "value,d_x,flag\n1.0,2.0,\n9.0,6.0,\n"
    assert (done.code, done.err) == (0, "note: 1 blank line skipped\n")
    text = "id,x\n" + "".join(f'"a\n\n{k}",{k}\n\r\n' for k in range(20_000))
    assert points(text, "x", "--keep", "id").err == "note: 20,000 blank lines skipped\n"
    done = run("ascend", "--descend", "(w - x)^2", "--at", "w=0", "--data", "p.csv", "--steps", "1")
    assert (done.code, done.err) == (0, "note: 20,000 blank lines skipped\n")


def test_of_many_bad_rows_the_first_are_told_and_all_counted(points):
    done = points("x\n" + "1\nz\n" * 300, "x", "--on-error", "skip")
    told = done.err.splitlines()
    assert len(told) == 21
    assert told[0] == "skipped: p.csv line 3: column x: 'z' is not a number"
    assert told[-1] == "skipped: 300 rows in all, the first 20 are named above"
    assert len(done.out.splitlines()) == 301


def test_a_file_of_bad_rows_only_is_no_answer(points):
    done = points("x\nz\nz\n", "x", "--on-error", "skip")
    assert (done.code, done.out) == (2, "value,d_x,flag\n")
    assert done.err.endswith("error: no row of p.csv can be read\n")


def test_headings_only_are_answered_with_headings(points):
    done = points("x\n", "x")
    assert (done.code, done.out, done.err) == (0, "value,d_x,flag\n", "")


def test_a_column_named_as_a_constant_binds_it(points):
    assert points("e,x\n2,3\n", "e*x").out == "value,d_e,d_x,flag\n6.0,3.0,2.0,\n"
    assert points("f,x\n2,3\n", "f = 2x").out == "value,d_x,flag\n6.0,2.0,\n"


def test_names_of_other_scripts_and_odd_names_are_columns_too(points):
    done = points("θ,t,v1\n1,2,3\n", "θ*t + v1")
    assert done.out == "value,d_θ,d_t,d_v1,flag\n5.0,2.0,1.0,1.0,\n"


REFUSALS = [
    ("x\n1\n", ("3",), "the expression has no inputs, so no column of p.csv can bind one"),
    ("# x,y\n1,2\n", ("x*y",), "the first line of p.csv begins with #\n  it must name the columns"),
    ("# made today\nx\n1\n", ("x",), "the first line of p.csv begins with #\n  it must name the"),
    ("\0\0\0", ("x",), "p.csv is not a UTF-8 text file"),
    ("x\0,\0y\0", ("x",), "p.csv is not a UTF-8 text file"),
    ("", ("x",), "p.csv is empty"),
    ("a,b\n1,2\n", ("x",), "no column of p.csv has the name of an input; its first line is: a, b"),
    ("x,x\n1,2\n", ("x",), "p.csv has two columns named x"),
    ("x\n1\n", ("x*y",), "no value for y"),
    ("x\n1\n", ("x*y", "--at", "x=1,y=2"), "x given by --at and by --points"),
    ("x\n1\n", ("x*y", "--at", "y=2,z=1"), "z does not occur in the expression"),
    ("x\n1\n", ("x*(", ), "never closed"),
    ("x\n1\n", (), "missing argument 'EXPRESSION'"),
    ("x\n1\n", ("x", "--wrt", "y"), "--wrt: the program has no name 'y'"),
    ("x\n1\n", ("x", "--keep", "id"), "--keep: the file has no column named 'id'"),
    ("x,id,id\n1,1,1\n", ("x", "--keep", "id"), "--keep: the file has several columns named 'id'"),
    ("x,d_x\n1,1\n", ("x", "--keep", "d_x"), "the answer would have two columns named d_x"),
    ("x\n1\n", ("x", "--format", "table"), "--points answers in csv or json, not table"),
    ("x\n1\n", ("x", "--format", "html"), "--points answers in csv or json, not html"),
    *(
        ("x\n1\n", ("x", *words), f"{words[0]} does not go with --points")
        for words in (
            ("--show", "reverse"),
            ("--check", "all"),
            ("--top", "3"),
            ("--mistake", "twice"),
            ("--precision", "30"),
            ("--rows", "5"),
            ("--embed",),
            ("--color", "never"),
            ("--sympy-seconds", "2"),
        )
    ),
]  # fmt: skip


@pytest.mark.parametrize(("text", "words", "message"), REFUSALS)
def test_what_makes_no_sense_is_refused(points, text, words, message):
    done = points(text, *words)
    assert (done.code, done.out) == (2, "")
    assert message in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize(
    "words", [("--keep", "all"), ("--on-error", "skip"), ("--format", "csv")], ids=lambda w: w[0]
)
def test_options_of_points_without_points_are_refused(words):
    done = run("grad", "x", "--at", "x=1", *words)
    assert done.code == 2
    assert " ".join(words[:1]) in done.err
    assert "belongs to --points" in done.err


def test_without_numpy_the_refusal_says_how_to_get_it(points, tmp_path):
    (tmp_path / "lacking").mkdir()
    (tmp_path / "lacking" / "numpy.py").write_text("raise ImportError('none')")
    path = f"{tmp_path / 'lacking'}{os.pathsep}{os.environ['PYTHONPATH']}"
    done = points("x\n1\n", "x", environment={"PYTHONPATH": path})
    assert done.code == 2
    assert done.err == "error: --points needs NumPy\n  pip install 'backprop-cli[data]'\n"


def test_with_json_a_refusal_is_json_too(points):
    done = points("x\nz\n", "x", "--format", "json")
    assert json.loads(done.out)["error"]["code"] == "file"
    assert done.code == 2


def test_standard_input_is_a_table_or_the_expression(points):
    done = run("grad", "x^2", "--points", "-", stdin="x\n3\n")
    assert (done.code, done.out) == (0, "value,d_x,flag\n9.0,6.0,\n")
    points("x\n3\n", "x")  # writes p.csv
    assert run("grad", "-", "--points", "p.csv", stdin="x^2").out == done.out
    both = run("grad", "-", "--points", "-", stdin="x\n3\n")
    assert (both.code, both.out) == (2, "")


@pytest.mark.parametrize(
    ("name", "form"), [("o.csv", "csv"), ("o.jsonl", "json"), ("o.json", "json"), ("o.txt", "csv")]
)
def test_the_answer_goes_to_a_file(points, tmp_path, name, form):
    expected = points("x\n3\n0.5\n", "x^2", "--format", form)
    done = points("x\n3\n0.5\n", "x^2", "-o", name)
    assert (done.code, done.out, done.err) == (0, "", "")
    assert (tmp_path / name).read_text() == expected.out


@pytest.mark.parametrize("name", ["o.html", "o.svg", "o.tsv"])
def test_an_ending_of_another_format_is_refused(points, tmp_path, name):
    done = points("x\n3\n", "x^2", "-o", name)
    assert (done.code, done.out, (tmp_path / name).exists()) == (2, "", False)
    assert f"--points has no format with the ending '{name[1:]}'" in done.err
    assert "one of .csv .json .jsonl .txt, or --format beside it" in done.err
    assert points("x\n3\n", "x^2", "-o", name, "--format", "csv").code == 0


def test_a_file_that_cannot_be_written_is_told(points):
    done = points("x\n3\n", "x^2", "-o", "no/such/folder.csv")
    assert done.code == 2
    assert "cannot write 'no/such/folder.csv': no such folder" in done.err


@pytest.mark.parametrize("name", ["p.csv", "./p.csv", "link.csv", "e.txt", "a.json"])
def test_a_file_that_is_read_is_not_written(points, tmp_path, name):
    """The table, under any of its names, the expression, and the point of --at."""
    (tmp_path / "e.txt").write_text("x*y")
    (tmp_path / "a.json").write_text('{"y": 2}')
    (tmp_path / "link.csv").symlink_to("p.csv")
    before = {path.name: path.read_text() for path in tmp_path.iterdir() if path.name != "link.csv"}
    done = points("x\n1\n", "@e.txt", "--at", "@a.json", "-o", name, "--format", {"a.json": "json"}.get(name, "csv"))  # fmt: skip
    assert (done.code, "is the file that is read" in done.out + done.err) == (2, True)
    assert (tmp_path / "p.csv").read_text() == "x\n1\n"
    assert {key: (tmp_path / key).read_text() for key in before} == before
    one = run("grad", "x", "--points", "-", "-o", "p.csv", stdin="x\n1\n")
    assert (one.code, (tmp_path / "p.csv").read_text()) == (0, "value,d_x,flag\n1.0,1.0,\n")


@pytest.mark.parametrize("text", ["x\nabc\n1\n", "y\n1\n", "", "x\nabc\n"])
def test_an_error_before_any_answer_leaves_the_file_that_was_there(points, tmp_path, text):
    (tmp_path / "o.csv").write_text("mine")
    for more in ((), ("--on-error", "skip")) if text == "x\nabc\n" else ((),):
        assert points(text, "x^2", "-o", "o.csv", *more).code == 2
        assert (tmp_path / "o.csv").read_text() == "mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["o.csv", "p.csv"]


def test_the_rows_before_a_bad_one_are_in_the_file(points, tmp_path):
    (tmp_path / "o.csv").write_text("mine")
    assert points("x\n3\nabc\n", "x^2", "-o", "o.csv").code == 2
    assert (tmp_path / "o.csv").read_text() == "value,d_x,flag\n9.0,6.0,\n"


def test_a_file_keeps_its_links_and_its_permissions(points, tmp_path):
    (tmp_path / "real.csv").write_text("mine")
    (tmp_path / "real.csv").chmod(0o640)
    (tmp_path / "o.csv").symlink_to("real.csv")
    assert points("x\n3\n", "x^2", "-o", "o.csv").code == 0
    assert (tmp_path / "o.csv").is_symlink()
    assert (tmp_path / "real.csv").stat().st_mode & 0o777 == 0o640
    os.link(tmp_path / "real.csv", tmp_path / "twin.csv")
    assert points("x\n4\n", "x^2", "-o", "twin.csv").code == 0
    assert (tmp_path / "real.csv").read_text() == "value,d_x,flag\n16.0,8.0,\n"
    assert points("x\n4\n", "x^2", "-o", "new.csv").code == 0
    (tmp_path / "usual").write_text("")
    assert (tmp_path / "new.csv").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_what_is_no_regular_file_is_written_straight(points):
    assert points("x\n3\n", "x^2", "-o", "/dev/stdout").out == "value,d_x,flag\n9.0,6.0,\n"
    assert points("x\n3\n", "x^2", "-o", "/dev/null").code == 0
    assert os.path.exists("/dev/null")
    assert not os.path.isfile("/dev/null")


def test_an_answer_does_not_wait_for_the_end_of_a_pipe():
    command = [*PROGRAM, "grad", "x^2", "--points", "-"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=PLAIN_ENVIRONMENT) as process:  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"x\n3\n")
        process.stdin.flush()
        assert process.stdout.readline() == b"value,d_x,flag\n"
        assert process.stdout.readline() == b"9.0,6.0,\n"
        process.stdin.write(b"4\n")
        process.stdin.flush()
        assert process.stdout.readline() == b"16.0,8.0,\n"
        process.stdin.close()
        assert process.wait(timeout=60) == 0


def test_a_closed_pipe_ends_it_quietly():
    script = "import itertools\nprint('x')\nfor k in itertools.count(): print(k)"
    words = " ".join(f"'{word}'" for word in PROGRAM)
    command = (
        f"'{sys.executable}' -c \"{script}\" 2> /dev/null | {words} grad x --points - | head -3"
    )
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60, env=PLAIN_ENVIRONMENT, check=False)  # fmt: skip
    assert done.stdout == "value,d_x,flag\n0.0,1.0,\n1.0,1.0,\n"
    assert done.stderr == ""


def test_control_c_ends_it_at_once():
    """Also while it waits for a pipe that says nothing."""
    command = [*PROGRAM, "grad", "x", "--points", "-"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=PLAIN_ENVIRONMENT) as process:  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"x\n3\n")
        process.stdin.flush()
        process.stdout.readline()
        begin = time.monotonic()
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 130
        assert time.monotonic() - begin < 5
        assert process.stderr is not None
        assert process.stderr.read().strip() == b""


def test_progress_is_for_terminals_only(tmp_path):
    """A pipe that takes a second: a bar on a terminal's stderr, nothing on another's."""
    words = " ".join(f"'{word}'" for word in PROGRAM)
    slow = f"(echo x; for k in 1 2 3 4; do echo $k; sleep 0.4; done) | {words} grad x --points - > {tmp_path}/out.csv"  # fmt: skip
    done = subprocess.run(["bash", "-c", slow], capture_output=True, text=True, timeout=60, env=PLAIN_ENVIRONMENT, check=False)  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    written = (tmp_path / "out.csv").read_text()
    assert written.count("\n") == 5


def test_many_blocks_keep_their_order_and_their_numbers(points, monkeypatch):
    """Some blocks of a mebibyte, by several threads; with and without Polars the same bytes."""
    count = 120_000
    text = "id,x\n" + "".join(f"{k},{k / 7!r}\n" for k in range(count))
    done = points(text, "x^2 - 3x", "--keep", "id")
    found = list(csv.reader(done.out.splitlines()))
    assert [row[0] for row in found[1:]] == [str(k) for k in range(count)]
    for k in range(0, count, 997):
        assert float(found[k + 1][1]) == pytest.approx((k / 7) ** 2 - 3 * (k / 7), rel=1e-14)
    assert done.code == 0


def test_the_bytes_do_not_depend_on_polars(points, tmp_path):
    pytest.importorskip("polars")
    values = [10.0**k * 1.1 for k in range(-12, 20)] + [0.0, -0.0, 1 / 3, 5e-324, 1e300]
    text = "id,x\n" + "".join(f'" a,{k}",{x!r}\n' for k, x in enumerate(values * 2000))
    (tmp_path / "lacking").mkdir()
    (tmp_path / "lacking" / "polars.py").write_text("raise ImportError('none')")
    path = f"{tmp_path / 'lacking'}{os.pathsep}{os.environ['PYTHONPATH']}"
    with_polars = points(text, "where(x > 1e17, log(-x), x/3)", "--keep", "all")
    without = points(text, "where(x > 1e17, log(-x), x/3)", "--keep", "all", environment={"PYTHONPATH": path})  # fmt: skip
    assert with_polars.out == without.out
    assert "e-05" in without.out
    assert with_polars.code == without.code == 3


def test_options_are_offered_in_help():
    done = run_in_terminal("grad", "--help")
    for option in ("--points FILE.csv", "--keep NAMES|all", "--on-error [stop|skip]"):
        assert option in done.out


QUOTED = 'note,x\n"one\ntwo",1\n"three\n\nfour",?\n5,6\n'


def test_a_row_of_several_lines_is_told_by_the_line_it_begins_on(points):
    done = points(QUOTED, "x^2", "--on-error", "skip")
    assert done.out == "value,d_x,flag\n1.0,2.0,\n36.0,12.0,\n"
    assert done.err == "skipped: p.csv line 4: column x: '?' is not a number\n"


def test_so_it_is_where_quotes_are_not_in_order(points):
    done = points(f'note,x\na"b,3\n{QUOTED.partition(chr(10))[2]}', "x^2", "--on-error", "skip")
    assert done.err == "skipped: p.csv line 5: column x: '?' is not a number\n"
    done = points('note,x\n1,2\n"never\nclosed,5\n', "x^2")
    assert done.err.startswith("error: p.csv line 3: unexpected end of data\n")
