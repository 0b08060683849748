"""`backprop batch`: JSON Lines in, JSON Lines out."""

import json
import subprocess
import time

from tests.command import PLAIN_ENVIRONMENT, PROGRAM, run


def lines(text: str) -> list[dict]:
    return [json.loads(line) for line in text.splitlines()]


def test_answers_come_in_order_and_a_bad_line_does_not_stop_the_stream():
    asked = "\n".join(
        [
            '{"id": 1, "expression": "x*y", "at": {"x": -2, "y": 3}}',
            '{"id": "two", "expression": "x +", "at": {"x": 1}}',
            "not json",
            '{"id": [3], "expression": "log(x)", "at": {"x": -1}}',
            "",
            '{"expression": "a*b", "at": {"a": "pi/2", "b": 2.5}, "wrt": ["a"]}',
            '{"id": 5, "expression": "f=x; g=2*x", "at": {"x": 1}, "of": "f,g", "check": "all"}',
        ]
    )
    done = run("batch", "-", stdin=asked)
    got = lines(done.out)
    assert [answer.get("id") for answer in got] == [1, "two", None, [3], None, 5]
    assert got[0]["value"] == -6.0
    assert got[0]["gradient"] == {"x": 3.0, "y": -2.0}
    assert got[1]["error"]["code"] == "syntax"
    assert got[2]["error"]["code"] == "binding"
    assert got[3]["error"]["code"] == "undefined"
    assert list(got[4]["gradient"]) == ["a"]
    assert got[5]["agree"] is True
    assert done.code == 2
    assert "line 2: error:" in done.err
    assert "Traceback" not in done.err


def test_the_exit_code_is_the_worst_of_the_lines():
    good = '{"expression": "x", "at": {"x": 1}}\n'
    undefined = '{"expression": "log(x)", "at": {"x": -1}}\n'
    assert run("batch", "-", stdin=good * 2).code == 0
    assert run("batch", "-", stdin=good + undefined).code == 3
    assert run("batch", "-", stdin="{}\n" + undefined + good).code == 2
    assert run("batch", "-", stdin="").code == 0
    assert run("batch", "no-such-file").code == 2


def test_unknown_fields_and_values_are_refused():
    for line, message in [
        ('{"expression": "x", "point": {"x": 1}}', "unknown field 'point'"),
        ('{"expression": 5}', "must be a string"),
        ('{"expression": "x", "at": [1]}', "must be an object"),
        ('{"expression": "x", "at": {"x": NaN}}', "NaN is not a JSON number"),
        ('{"expression": "x", "at": {"x": 1}, "kink": "up"}', '"kink" must be one of'),
        ('{"expression": "x", "at": {"x": 1}, "check": ["most"]}', '"check" takes'),
    ]:
        done = run("batch", "-", stdin=line)
        assert done.code == 2
        assert message in lines(done.out)[0]["error"]["message"]


def test_each_answer_is_flushed_before_the_next_line_is_read():
    process = subprocess.Popen(
        [*PROGRAM, "batch", "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=PLAIN_ENVIRONMENT,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    for x in (1, 2):
        process.stdin.write(b'{"expression": "x", "at": {"x": %d}}\n' % x)
        process.stdin.flush()
        assert json.loads(process.stdout.readline())["value"] == x
    process.stdin.close()
    assert process.wait(timeout=20) == 0


def test_a_thousand_lines_cost_no_process_each():
    asked = "".join(
        json.dumps({"id": k, "expression": f"sin(x)*{k} + x^2/(1+x)", "at": {"x": k / 7}}) + "\n"
        for k in range(1, 1001)
    )
    started = time.perf_counter()
    done = run("batch", "-", stdin=asked)
    assert len(lines(done.out)) == 1000
    assert time.perf_counter() - started < 30
