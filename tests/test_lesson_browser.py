"""The lesson in a real browser: every number on the page is that of `grad --format json`.

Headless Chromium opens the page from a file. Where there is none the tests are skipped.
"""

import json
import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from backprop_cli.language.parser import parse
from backprop_cli.render.json import grad_object
from backprop_cli.render.numbers import human
from backprop_cli.render.worked.lesson import lesson
from backprop_cli.studies.gradient import solve
from backprop_cli.studies.point import read_number
from backprop_cli.studies.solution import Solution
from tests.browser import CHROMIUM, Browser
from tests.npm import package
from tests.test_sweeps import MAZUR, MICROGRAD

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium to open a page in")

AXE = "4.14.1"
"""The version of axe-core, the accessibility checker, that is fetched if it is not there yet."""

_MAZUR_AT = {"i1": 0.05, "i2": 0.1, "w1": 0.15, "w2": 0.2, "w3": 0.25, "w4": 0.3, "w5": 0.4, "w6": 0.45, "w7": 0.5, "w8": 0.55, "b1": 0.35, "b2": 0.6}  # fmt: skip


class Case(NamedTuple):
    """A program of the posts, where it is looked at, and where it is moved to."""

    text: str
    at: Mapping[str, float]
    moved: Mapping[str, str]


CASES = {
    "product": Case("a*b", {"a": 4, "b": 3}, {"a": "-4", "b": "-3"}),
    "signs": Case("x*y", {"x": -2, "y": 3}, {"x": "1e-5"}),
    "branches": Case("x = a+b; y = b+c; f = x*y", {"a": 2, "b": -3, "c": 4}, {"b": "-1/3"}),
    "sum first": Case("d = a+b; f = d*c", {"a": 5, "b": -3, "c": -2}, {"a": "4.98", "c": "-1.98"}),
    "line": Case("2*x+4", {"x": 7}, {"x": "pi/2"}),
    "cube": Case("(3*x+4*y)^3", {"x": 2, "y": -1}, {"x": "1", "y": "1"}),
    "staged": Case("(x+sigmoid(y))/(sigmoid(x)+(x+y)^2)", {"x": 3, "y": -4}, {"y": "-2.75"}),
    "neuron": Case(
        "sigmoid(w0*x0 + w1*x1 + w2)",
        {"w0": 2, "x0": -1, "w1": -3, "x1": -2, "w2": -3},
        {"x0": "1"},
    ),
    "other names": Case("(a+b)*(b+c)", {"a": 1, "b": 2, "c": 3}, {"a": "5", "b": "-3", "c": "-2"}),
    "cs231n": Case("(x+y)*z", {"x": -2, "y": 5, "z": -4}, {"z": "0"}),
    "colah": Case("e=(a+b)*(b+1)", {"a": 2, "b": 1}, {"b": "-1"}),
    "parabola": Case("-x^2", {"x": 1}, {"x": "0.8"}),
    "weight": Case("w^2/4", {"w": 1}, {"w": "-1"}),
    "last sigmoid": Case(
        "d = a+b; e = d*c; f = sigmoid(e)", {"a": 1, "b": -2, "c": -3}, {"a": "-4", "c": "300"}
    ),
    "two layers": Case(
        "h1 = w1_11*x1 + w1_12*x2; h2 = w1_21*x1 + w1_22*x2; o = w2_11*h1 + w2_12*h2; L = (y - o)^2",
        {
            "w1_11": 0.5,
            "x1": 1,
            "w1_12": -0.25,
            "x2": 2,
            "w1_21": 2,
            "w1_22": 0.75,
            "w2_11": 3,
            "w2_12": -1,
            "y": 1,
        },
        {"x2": "-2", "y": "1e6"},
    ),
    "ten weights": Case(
        "*".join(f"w{k}" for k in range(10)), {f"w{k}": 0.5 for k in range(10)}, {"w3": "2"}
    ),
    "ten sigmoids": Case("sigmoid(" * 10 + "x" + ")" * 10, {"x": 0}, {"x": "-40"}),
    "micrograd": Case(MICROGRAD, {"a": -4, "b": 2}, {"a": "-3.5", "b": "1e3"}),
    "mazur": Case(MAZUR, _MAZUR_AT, {"w5": "0.3589", "i1": "0.5"}),
    "choice": Case("where(x > 0, x^2, log(1 - x)) + max(x, y, 1)", {"x": -3, "y": 2}, {"x": "3"}),
    "special": Case("gelu(x)*lgamma(y) + erf(x)/digamma(y)", {"x": 0.7, "y": 3.3}, {"y": "0.4"}),
}

WORKED = """(() => {
  const read = (math) => {
    const copy = math.cloneNode(true);
    for (const power of copy.querySelectorAll("msup")) power.lastChild.before("^");
    return copy.textContent;
  };
  return Object.fromEntries([...document.querySelectorAll(".worked .part")].map((part) => [
    part.querySelector("h3").textContent,
    [...part.querySelectorAll(".formula > math, td:first-child > math")].map(read)]));
})()"""

SEEN = """(() => {
  const read = (what) => Object.fromEntries([...document.querySelectorAll("#ledger-rows tr")].map(
    (row) => [row.querySelector("th").textContent, (({ textContent, dataset }) =>
      [textContent, dataset.value ?? null])(row.querySelector("td." + what))]));
  const picture = Object.fromEntries([...document.querySelectorAll("svg [id]")]
    .filter(({ id, textContent }) => /-(value|adjoint|slope)$/.test(id))
    .map((one) => [one.id, one.closest("text").classList.contains("pending") ? null : one.textContent]));
  const answer = Object.fromEntries([...document.querySelectorAll("#answer li")].map(
    (item) => [item.dataset.key, [item.lastChild.textContent, item.lastChild.dataset.value]]));
  const lines = [...document.querySelectorAll("#say .line")].map((line) => line.textContent);
  return { value: read("value"), slope: read("slope"), picture, answer, lines,
    title: document.querySelector("#say h3").textContent,
    remarks: [...document.querySelectorAll("#remarks p")].map((remark) => remark.textContent) };
})()"""

WALK = """(() => {
  const next = document.getElementById("next");
  const lines = [];
  document.getElementById("first").click();
  for (let k = 0; k < 2000; k++) {
    for (const line of document.querySelectorAll("#say .line")) lines.push(line.textContent);
    if (next.disabled) break;
    next.click();
  }
  return lines;
})()"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser() as opened:
        yield opened


def solved(text: str, at: Mapping[str, float], of: tuple[str, ...] = ()) -> Solution:
    graph = parse(text, list(at))
    return solve(graph, {name: float(at[name]) for name in graph.inputs}, (), of)


def opened(browser: Browser, folder: Path, solution: Solution, **view: Any) -> None:
    path = folder / "lesson.html"
    path.write_text(lesson(solution), encoding="utf-8")
    browser.open(path, **view)
    assert browser.problems == []


def choose(browser: Browser, name: str, value: str) -> None:
    """Choose a mode, a seed or an output, as a click does."""
    if name == "mode":
        browser.run(f"document.querySelector('[name=mode][value={value}]').click()")
    else:
        browser.run(
            f"(() => {{ const field = document.getElementById('{name}');"
            f" field.value = [...field.options].find(({{ textContent }}) => textContent === {json.dumps(value)}).value;"
            " field.dispatchEvent(new Event('change', { bubbles: true })); })()"
        )


def write(browser: Browser, solution: Solution, name: str, text: str) -> None:
    """Type an input."""
    place = list(solution.graph.inputs).index(name)
    browser.run(f"(() => {{ const field = document.getElementById('in-{place}'); field.focus(); field.select(); }})()")  # fmt: skip
    browser.send("Input.insertText", text=text)


def agrees(shown: list[str | None], number: float | str | None) -> None:
    """Check one number: its text as in tables, and the number itself to a few ulps."""
    text, exact = shown
    assert exact is not None
    expected = float(number if number is not None else 0.0)
    assert math.isclose(float(exact), expected, rel_tol=1e-13, abs_tol=1e-15) or exact == str(
        number
    )
    assert str(text).rpartition(" = ")[2] == human(float(exact))


def compare_reverse(browser: Browser, solution: Solution) -> None:
    """Compare every number of the last step with the JSON, and every line with its own steps."""
    json_answer = grad_object(solution, (), ("reverse",))
    walked = browser.run(WALK)
    seen = browser.run(SEEN)
    for node in json_answer["nodes"]:
        name = node["name"]
        agrees(seen["value"][name], node["value"])
        if node["adjoint"] is not None:
            agrees(seen["slope"][name], node["adjoint"])
    for name, slope in json_answer["gradient"].items():
        agrees(seen["answer"][f"answer-{name}"], slope)
    agrees(seen["answer"]["answer-value"], json_answer["value"])
    output = solution.answers[0].name
    for node in json_answer["nodes"]:
        for sent in node["contributions"]:
            up, local, value = (human(float(sent[key])) for key in ("upstream", "local", "value"))
            local = f"({local})" if local.startswith("-") else local
            numbers = f" = {up} × {local} = {value}  → {node['name']}"
            start = f"∂{output}/∂{sent['from']} × ∂{sent['from']}/∂{node['name']}"
            assert any(line.startswith(start) and line.endswith(numbers) for line in walked), (start, numbers)  # fmt: skip
    for node in json_answer["nodes"]:
        if node["operation"] != "input":
            ends = f" = {human(float(node['value']))}"
            assert any(line.startswith(f"{node['name']} = ") and line.endswith(ends) for line in walked)  # fmt: skip
    compare_picture(solution, seen["picture"], json_answer)


def compare_worked(browser: Browser, solution: Solution) -> None:
    """Compare the numbers of the worked solution that the page carries with the JSON."""
    answer = grad_object(solution, (), ("reverse",))
    parts = browser.run(WORKED)
    values = [n["value"] for n in answer["nodes"] if n["operation"] != "input"]
    sent = [c["value"] for n in answer["nodes"] for c in n["contributions"]]
    slopes = [human(float(k)) for n in answer["nodes"] for k in n["locals"] if k is not None]
    assert ends(parts["Forward pass"]) == [human(float(value)) for value in values]
    assert set(slopes) <= set(ends(parts["Local slopes"]))
    expected = ["1", *(human(float(value)) for value in sent)]
    assert sorted(ends(parts["Backward pass"])) == sorted(expected)
    result = [answer["value"], *answer["gradient"].values()]
    name = solution.answers[0].name
    assert ends(parts[f"The gradient of {name}"]) == [human(float(each)) for each in result]


def ends(formulas: list[str]) -> list[str]:
    """Return the number that each chain of equalities ends in: `-1.5·10^-7` as -1.5e-7."""
    last = [formula.rsplit("=", 1)[1].replace("−", "-") for formula in formulas]
    return [re.sub(r"(?:·|\b)10\^", "e", text).replace("-e", "-1e") for text in last]


def compare_picture(solution: Solution, drawn: dict[str, str], answer: dict[str, Any]) -> None:
    """Compare the numbers of the picture, which has six digits of them, or fewer."""
    places = {name: node for node, name in enumerate(solution.names)}
    for node in answer["nodes"]:
        for key, what in (("value", "value"), ("adjoint", "adjoint")):
            text = drawn.get(f"n{places[node['name']]}-{what}")
            if text is not None and node[key] is not None:
                assert float(text) == pytest.approx(
                    float(node[key]), rel=0.05, abs=1e-300, nan_ok=True
                )
                if len(text) > 7:
                    assert float(text) == pytest.approx(float(node[key]), rel=1e-4)
        for position, local in enumerate(node["locals"]):
            text = drawn.get(f"e{places[node['name']]}-{position}-slope")
            if text is not None:
                assert float(text) == pytest.approx(
                    float(local or 0), rel=0.05, abs=1e-300, nan_ok=True
                )
    assert len([text for text in drawn.values() if text is not None]) >= len(answer["nodes"])


def compare_forward(browser: Browser, solution: Solution) -> None:
    """Compare the tangents of the seeds with the JSON; of many, the last four."""
    tangents = grad_object(solution, (), ("forward",))["tangents"]
    choose(browser, "mode", "forward")
    for seed, expected in list(tangents.items())[-4:]:
        choose(browser, "seed", seed)
        walked = [line.partition(";")[0].partition(", it")[0] for line in browser.run(WALK)]
        seen = browser.run(SEEN)
        for name, number in expected.items():
            agrees(seen["slope"][name], number)
            begins, ends = f"∂{name}/∂{seed} = ", f" = {human(float(number))}"
            assert any(line.startswith(begins) and line.endswith(ends) for line in walked)
        moving = {name for name, (_, exact) in seen["slope"].items() if exact not in (None, "0")}
        assert moving <= set(expected)
    choose(browser, "mode", "reverse")


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_every_number_is_that_of_json_also_after_an_edit(case, browser, tmp_path):
    solution = solved(case.text, case.at)
    opened(browser, tmp_path, solution)
    compare_reverse(browser, solution)
    compare_forward(browser, solution)
    compare_worked(browser, solution)
    assert browser.run("document.querySelector('.edited').hidden")
    for name, text in case.moved.items():
        write(browser, solution, name, text)
    values = {name: float(read_number(text, "--at")) for name, text in case.moved.items()}
    moved = solved(case.text, dict(case.at) | values)
    compare_reverse(browser, moved)
    compare_forward(browser, moved)
    assert not browser.run("document.querySelector('.edited').hidden")
    browser.run("document.getElementById('reset').click()")
    compare_reverse(browser, solution)
    assert browser.problems == []


LECTURE = CASES["branches"]


def test_the_sum_at_a_branch_builds_up(browser, tmp_path):
    """b receives -1 along y first, then 1 along x: 0."""
    opened(browser, tmp_path, solved(LECTURE.text, LECTURE.at))
    lines = [line for line in browser.run(WALK) if line.startswith("∂f/∂b = ")]
    assert lines[0] == "∂f/∂b = -1 (via y), and 1 more to come"
    assert lines[1] == "∂f/∂b = -1 (via y) + 1 (via x) = 0"
    assert browser.run(SEEN)["slope"]["b"] == ["0", "0"]
    browser.run("document.getElementById('back').click()")
    assert browser.run(SEEN)["slope"]["b"][0] == "-1 + 1 = 0"


def test_numbers_appear_only_when_their_step_has_come(browser, tmp_path):
    opened(browser, tmp_path, solved(LECTURE.text, LECTURE.at))
    seen = browser.run(SEEN)
    assert {name for name, (text, _) in seen["value"].items() if text} == {"a", "b", "c"}
    assert not any(text for text, _ in seen["slope"].values())
    assert seen["picture"]["n5-value"] is seen["picture"]["n5-adjoint"] is None
    assert seen["picture"]["n0-value"] == "2"


def test_it_is_driven_by_the_keyboard(browser, tmp_path):
    opened(browser, tmp_path, solved(LECTURE.text, LECTURE.at))
    at = "Number(document.getElementById('slider').value)"
    browser.press("ArrowRight")
    browser.press("ArrowRight")
    assert browser.run(at) == 2
    browser.press("ArrowLeft")
    assert browser.run(at) == 1
    browser.run("document.getElementById('slider').focus()")
    browser.press("End")
    assert browser.run(at) == 11
    assert browser.run(SEEN)["title"] == "The gradient of f"
    browser.press("Home")
    assert browser.run(at) == 0
    browser.run("document.getElementById('in-0').focus()")
    browser.press("ArrowRight")
    assert browser.run(at) == 0, "in a field the arrows move the cursor"


def test_a_slope_whose_sign_could_mean_the_gradient_is_marked(browser, tmp_path):
    """f = x·(x + 1) at 2: f's own slope in x is 3, the gradient 3 + 2 = 5."""
    opened(browser, tmp_path, solved("x*(x + 1)", {"x": 2}))
    lines = browser.run(WALK)
    assert "∂f/∂f × ∂f/∂x (local) = 1 × 3 = 3  → x" in lines
    assert "∂f/∂x = 3 (via f) + 2 (via v1) = 5" in lines
    choose(browser, "mode", "forward")
    assert "∂f/∂x = ∂f/∂x (local) + ∂f/∂v1 × ∂v1/∂x = 3 + 2 × 1 = 5" in browser.run(WALK)


def test_in_forward_mode_the_other_inputs_stand_still(browser, tmp_path):
    """Seed b: ∂a/∂b = 0 and ∂b/∂b = 1 in the table, in the picture too."""
    opened(browser, tmp_path, solved(LECTURE.text, LECTURE.at))
    choose(browser, "mode", "forward")
    choose(browser, "seed", "b")
    seen = browser.run(SEEN)
    assert [seen["slope"][name][0] for name in "abc"] == ["0", "1", "0"]
    assert [seen["picture"][f"n{node}-adjoint"] for node in (0, 1, 3)] == ["0", "1", "0"]


def test_numbers_alone_have_a_value_and_nothing_to_choose(browser, tmp_path):
    """2·3 + sqrt(4) = 6 + 2 = 8, and no gradient to speak of."""
    opened(browser, tmp_path, solved("2*3 + sqrt(4)", {}))
    assert browser.run(WALK)[-1] == "f = 2·3 + sqrt(4) = 6 + 2 = 8"
    assert browser.run(SEEN)["answer"] == {"answer-value": ["8", "8"]}
    hidden = "[...document.querySelectorAll('.mode, #whole-field, [data-phase]')].map(({ hidden }) => hidden)"  # fmt: skip
    assert browser.run(hidden) == [False, True, True, True, True]


def test_who_wants_less_motion_gets_none(browser, tmp_path):
    opened(browser, tmp_path, solved(LECTURE.text, LECTURE.at))
    lasts = "getComputedStyle(document.querySelector('tr.now th')).transitionDuration"
    assert browser.run(lasts) == "0.2s"
    reduced = {"name": "prefers-reduced-motion", "value": "reduce"}
    browser.send("Emulation.setEmulatedMedia", features=[reduced])
    assert browser.run(lasts) == "0s"


def test_picture_and_step_are_seen_at_once_on_a_phone(browser, tmp_path):
    """The picture of a network takes a third of the screen at most."""
    solution = solved(CASES["mazur"].text, CASES["mazur"].at)
    opened(browser, tmp_path, solution, width=375, height=812)
    box = "document.querySelector('{}').getBoundingClientRect()"
    assert browser.run(f"{box.format('.picture .scroll')}.height") <= 0.34 * 812 + 1
    tall = f"{box.format('#say')}.bottom - {box.format('.picture')}.top"
    covered = f"{box.format('.controls')}.height"
    assert browser.run(f"{tall} + {covered}") <= 812


def test_play_runs_by_itself_and_pauses(browser, tmp_path):
    opened(browser, tmp_path, solved(LECTURE.text, LECTURE.at))
    browser.run("document.getElementById('play').click()")
    assert browser.run("document.getElementById('play').textContent") == "Pause"
    browser.run("new Promise((done) => setTimeout(done, 1800))")
    browser.run("document.getElementById('play').click()")
    assert browser.run("Number(document.getElementById('slider').value)") >= 1
    assert browser.run("document.getElementById('play').textContent") == "Play"


def test_a_number_that_is_none_is_pointed_at_and_changes_nothing(browser, tmp_path):
    solution = solved(LECTURE.text, LECTURE.at)
    opened(browser, tmp_path, solution)
    before = browser.run(SEEN)["answer"]
    for text in ("x", "", "1/0", "1,5", "<b>"):
        write(browser, solution, "a", text or " ")
        assert browser.run("document.getElementById('input-error').textContent").startswith("a: ")
        assert browser.run("document.getElementById('in-0').getAttribute('aria-invalid')") == "true"
        assert browser.run(SEEN)["answer"] == before
    write(browser, solution, "a", "2")
    assert browser.run("document.getElementById('input-error').textContent") == ""


def test_kinks_and_undefined_points_are_said_before_and_after_an_edit(browser, tmp_path):
    solution = solved("relu(x) + log(y)", {"x": 0, "y": 1})
    opened(browser, tmp_path, solution)
    assert browser.run(SEEN)["remarks"] == [r.message for r in solution.answers[0].remarks]
    write(browser, solution, "x", "1")
    assert browser.run(SEEN)["remarks"] == []
    write(browser, solution, "y", "-3")
    assert browser.run(SEEN)["remarks"] == ["log needs y > 0, got y = -3"]
    assert browser.run(SEEN)["answer"]["answer-value"] == ["nan", "NaN"]
    write(browser, solution, "y", "1")
    write(browser, solution, "x", "0")
    write(browser, solution, "y", "2")
    assert browser.run(SEEN)["remarks"] == [
        "v1 (relu) stands on a kink, x == 0; convention: 0, as PyTorch"
    ]
    undefined = solved("sqrt(x)*y", {"x": -1, "y": 2})
    opened(browser, tmp_path, undefined)
    assert browser.run(SEEN)["remarks"][0] == undefined.answers[0].failure.message


def test_one_of_several_outputs_is_chosen(browser, tmp_path):
    """f = x·y and g = x + y at (3, 4): gradients (4, 3) and (1, 1)."""
    opened(browser, tmp_path, solved("f = x*y; g = x + y", {"x": 3, "y": 4}, ("f", "g")))
    assert browser.run(SEEN)["answer"]["answer-x"] == ["4", "4"]
    choose(browser, "output", "g")
    answer = browser.run(SEEN)["answer"]
    assert (answer["answer-x"], answer["answer-y"]) == (["1", "1"], ["1", "1"])
    shown = "[...document.querySelectorAll('[data-picture]')].map(({ hidden }) => hidden)"
    assert browser.run(shown) == [True, False]


def chain(nodes: int) -> str:
    """Return a program of so many statements, each read twice."""
    lines = ["s0 = x + y"]
    lines += [f"s{k} = s{k - 1}/2 + sin(s{max(k - 2, 0)})" for k in range(1, nodes)]
    return "\n".join(lines)


def test_a_program_of_two_hundred_nodes_stays_usable(browser, tmp_path):
    """A step of the backward pass is a whole node; neither page nor phone scrolls sideways."""
    solution = solved(chain(67), {"x": 1, "y": 0.5})
    assert solution.graph.size >= 200
    opened(browser, tmp_path, solution, width=360, height=740)
    assert browser.run("document.getElementById('whole').checked")
    assert browser.run("document.documentElement.scrollWidth") <= 360
    browser.run("document.getElementById('last').click()")
    for name, slope in solution.answers[0].gradient.items():
        agrees(browser.run(SEEN)["answer"][f"answer-{name}"], slope)
    spent = browser.run(
        "(() => { const began = performance.now(); for (let k = 0; k < 20; k++)"
        " document.getElementById('back').click(); return (performance.now() - began)/20; })()"
    )
    assert spent < 100, "milliseconds for one step back"


@pytest.mark.parametrize("width", [360, 375, 768, 1400])
def test_nothing_is_wider_than_the_screen(width, browser, tmp_path):
    solution = solved(CASES["mazur"].text, CASES["mazur"].at)
    opened(browser, tmp_path, solution, width=width)
    assert browser.run("document.documentElement.scrollWidth") <= width


HOSTILE = "</script><script>document.title = 'broken'</script>"


def test_text_of_the_users_is_only_text(browser, tmp_path):
    """A comment, a name in Greek, and a message with markup: nothing of it runs."""
    solution = solved(f"# {HOSTILE}\nβ = x*2\nβ + 1", {"x": 1})
    answer = solution.answers[0]
    remark = type("Remark", (), {"message": HOSTILE + "\u2028<!--"})()
    hostile = solution._replace(answers=(answer._replace(remarks=(remark,)),))
    path = tmp_path / "lesson.html"
    path.write_text(lesson(hostile), encoding="utf-8")
    browser.open(path)
    assert browser.problems == []
    assert browser.run("document.title") != "broken"
    assert browser.run(SEEN)["remarks"] == [HOSTILE + "\u2028<!--"]


def test_the_policy_stops_what_is_not_the_pages_own(browser, tmp_path):
    """Were markup to get in after all, its scripts would not run."""
    path = tmp_path / "lesson.html"
    page = lesson(solved(LECTURE.text, LECTURE.at))
    path.write_text(
        page.replace("</main>", "<script>document.title='broken'</script></main>"), "utf-8"
    )
    browser.open(path)
    assert browser.run("document.title") != "broken"
    assert any("Content Security Policy" in problem for problem in browser.problems)


def test_the_step_that_the_readme_shows_is_a_step_of_the_example(browser):
    """The README quotes the eighth of twelve steps of examples/lecture.html, word for word."""
    root = Path(__file__).parent.parent
    browser.open(root / "examples" / "lecture.html")
    browser.run("for (let k = 1; k < 8; k++) document.getElementById('next').click()")
    said = browser.run("[...document.getElementById('say').children].map((line) => line.textContent)")  # fmt: skip
    readme = (root / "README.md").read_text(encoding="utf-8")
    assert "```text\n" + "\n".join(said) + "\n```" in readme
    count = browser.run("document.getElementById('count').textContent")
    assert count == "Backward pass · step 8 of 12"
    assert "This is step 8 of 12:" in readme


# --------------------------------------------------------------------------- accessibility


@pytest.fixture(scope="module")
def axe() -> str:
    """Return the source of axe-core."""
    return (package("axe-core", AXE) / "axe.min.js").read_text(encoding="utf-8")


SEVERAL = ("f = x*y; g = where(x > y, x, y)", {"x": 3, "y": 4}, ("f", "g"))
LOOKED_AT = {
    "kink": ("where(x > 0, x^2, y) + max(x, y, 1)", {"x": 3, "y": 3}),
    "wide": (CASES["mazur"].text, CASES["mazur"].at),
    "several": SEVERAL,
    "undefined": ("log(x)*y", {"x": -1, "y": 2}),
    "no inputs": ("2*3 + sqrt(4)", {}),
}


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [375, 1200])
@pytest.mark.parametrize("asked", LOOKED_AT.values(), ids=LOOKED_AT)
def test_the_accessibility_checker_finds_nothing(asked, width, dark, axe, browser, tmp_path):
    """All rules of axe-core, contrast and labels included, in the middle and at the end."""
    opened(browser, tmp_path, solved(*asked), width=width, dark=dark)
    browser.run(axe)
    for moves in ("", "document.querySelector('[value=forward]').click();"):
        browser.run(f"{moves} for (let k = 0; k < 6; k++) document.getElementById('next').click()")
        found = browser.run("axe.run().then(({ violations }) => violations.map((one) => [one.id, one.help, one.nodes.slice(0, 3).map((node) => node.html + node.failureSummary)]))")  # fmt: skip
        assert found == []


def test_what_is_said_is_in_a_live_region_and_fields_have_names(browser, tmp_path):
    opened(browser, tmp_path, solved(LECTURE.text, LECTURE.at))
    tree = browser.send("Accessibility.getFullAXTree")["nodes"]
    named = [(n["role"]["value"], n.get("name", {}).get("value", "")) for n in tree if "role" in n]
    assert ("slider", "Step") in named
    for name in ("First step", "Step back", "Play", "Next step", "Last step", "Forward pass"):
        assert ("button", name) in named
    assert [name for role, name in named if role == "textbox"] == ["a =", "b =", "c ="]
    live = [n for n in tree for p in n.get("properties", []) if p["name"] == "live" and p["value"]["value"] == "polite"]  # fmt: skip
    assert live
