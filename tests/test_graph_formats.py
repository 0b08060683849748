"""DOT, Mermaid and JSON of a graph: read back by the real tools, with every text in its place."""

import html
import json
import re
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree
from collections import Counter

import pytest

from backprop_cli.render.graph.diagram import Diagram
from backprop_cli.render.graph.dot import dot
from backprop_cli.render.graph.json_object import graph_object
from backprop_cli.render.graph.mermaid import MOST_EDGES, mermaid
from tests.browser import CHROMIUM, Browser
from tests.graphs import LECTURES, ODD, random_case, shown, solution
from tests.npm import package
from tests.test_graph_svg import NASTY, SVG, nasty

CASES = {**LECTURES, **ODD, "random": random_case(60, 1)}
HOSTILE = (NASTY, '"]; n0["', "</TABLE>>]; x", "\\N\\G\\", "#quot;", "`**b**`", "- x", "1. x", "{{", "|", "%%{init}%%", "end", "<img src=x onerror=alert(1)>", "javascript:alert(1)", "&#34;", "$$x$$")  # fmt: skip
MERMAID = "11.17.2"
"""The version of Mermaid that is fetched, if it is not there yet."""


def hostile(text: str) -> Diagram:
    """Return a picture all of whose texts are this one."""
    diagram = nasty(shown(LECTURES["lecture"]))
    items = tuple(
        item._replace(
            name=text, operation=text, value=text, gradient=text,
            wires=tuple(wire._replace(slope=text) for wire in item.wires),
        )
        for item in diagram.items
    )  # fmt: skip
    return diagram._replace(title=text, name=text, items=items)


def cleaned(text: str) -> str:
    """Return a text as a label can show it: in one line, without what XML cannot hold."""
    text = "".join(sign if sign.isprintable() or sign in "\t\n\r" else "\ufffd" for sign in text)
    return " ".join(text.split()).replace("$", "＄")


# ---------------------------------------------------------------------------------------- Graphviz


@pytest.fixture(scope="module")
def graphviz() -> str:
    found = shutil.which("dot")
    if found is None:
        pytest.skip("no Graphviz")
    return found


def drawn_by(graphviz: str, text: str) -> ElementTree.Element:
    """Return the SVG that Graphviz draws; it must have nothing to complain of."""
    done = subprocess.run([graphviz, "-Tsvg"], input=text.encode(), capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr.decode()
    assert done.stderr == b"", done.stderr.decode()
    return ElementTree.fromstring(done.stdout)


def groups(root: ElementTree.Element, kind: str) -> dict[str, list[str]]:
    """Return the texts of each node or edge of Graphviz's SVG, by its title."""
    found: dict[str, list[str]] = {}
    for group in root.iter(f"{SVG}g"):
        if group.get("class") == kind:
            texts = ["".join(text.itertext()) for text in group.iter(f"{SVG}text")]
            found.setdefault(group.findtext(f"{SVG}title") or "", []).extend(texts)
    return found


@pytest.mark.parametrize("name", CASES)
def test_graphviz_draws_every_node_and_edge_with_its_texts(name, graphviz):
    diagram = shown(CASES[name])
    root = drawn_by(graphviz, dot([diagram]))
    nodes, edges = groups(root, "node"), groups(root, "edge")
    assert set(nodes) == {f"n{item.node}" for item in diagram.items}
    for item in diagram.items:
        together = "".join(nodes[f"n{item.node}"])
        for part in (item.value, item.gradient):
            assert part in together
        if item.kind == "operation":
            assert item.operation in nodes[f"n{item.node}"]
    wanted = Counter(f"n{w.operand}->n{item.node}" for item in diagram.items for w in item.wires)
    drawn = Counter(
        group.findtext(f"{SVG}title")
        for group in root.iter(f"{SVG}g")
        if group.get("class") == "edge"
    )
    assert drawn == wanted
    slopes = Counter(w.slope for item in diagram.items for w in item.wires if w.slope)
    assert Counter(text for texts in edges.values() for text in texts) == slopes


@pytest.mark.parametrize("text", HOSTILE)
def test_graphviz_shows_hostile_text_as_text(text, graphviz):
    root = drawn_by(graphviz, dot([hostile(text), hostile(text)]))
    nodes = groups(root, "node")
    assert len(nodes) == 12
    for texts in nodes.values():
        told = "".join(texts).replace("\u00a0", " ").replace(" ", "")
        for part in re.split("[\x00\x1b\u202e ]", text):
            assert part.replace("\\", "＼") in told
    assert not list(root.iter(f"{SVG}image"))


def test_dot_has_a_cluster_for_each_output_and_quotes_balance():
    text = dot([shown(LECTURES["lecture"]), shown(LECTURES["cube"])])
    assert text.count("subgraph cluster_") == 2
    assert "p2_n1 -> p2_n2" in text or "p2_n0" in text or "p2_n" in text
    for line in dot([hostile(NASTY)]).splitlines():
        outside = re.sub(r'"[^"]*"', "", re.sub(r"<<TABLE.*</TABLE>>", "", line))
        assert not set(outside) & set("<\"'`#\x1b"), line


# ---------------------------------------------------------------------------------------- Mermaid


def labels(text: str) -> list[str]:
    """Return the labels of a flowchart of ours, decoded."""
    found = re.findall(r'"([^"]*)"', text)
    parts = [part for label in found for part in label.split("<br/>")]
    return [html.unescape(re.sub(r"#(\d+);", r"&#\1;", part)) for part in parts]


@pytest.mark.parametrize("name", CASES)
def test_mermaid_has_every_node_and_edge(name):
    diagram = shown(CASES[name])
    lines = mermaid([diagram]).splitlines()
    assert lines[0] == "flowchart LR"
    nodes = [line for line in lines if re.match(r' +n\d+[\[({]+"', line)]
    edges = [line for line in lines if " -->" in line or " -.->" in line]
    assert len(nodes) == len(diagram.items)
    assert len(edges) == sum(len(item.wires) for item in diagram.items)
    assert len(lines) == 1 + len(nodes) + len(edges)
    told = labels("\n".join(lines))
    for item in diagram.items:
        assert not item.gradient or f"← {item.gradient}" in told


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_leaves_its_label_in_mermaid(text):
    made = mermaid([hostile(text), hostile(text)])
    plain = mermaid([hostile("x"), hostile("x")])
    shape = [re.sub(r'"[^"]*"', '""', one) for one in (made, plain)]
    assert shape[0] == shape[1]
    for label in re.findall(r'"([^"]*)"', made):
        assert not set(label.replace("<br/>", "")) & set("<>&`[]{}|\\*_~$%:'\x00\x1b\n")
        assert not re.search(r"#(?!\d+;)", label)
    assert cleaned(text) in labels(made)


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium to run Mermaid in")
def test_mermaid_itself_reads_and_draws_them_with_every_label_as_it_was(tmp_path):
    """Mermaid's parser accepts each, and its drawing has our labels, hostile ones included."""
    script = package("mermaid", MERMAID) / "dist" / "mermaid.min.js"
    page = tmp_path / "page.html"
    page.write_text(
        f'<meta charset=utf-8><div id=box></div><script src="{script.as_uri()}"></script>'
    )
    program = """(async (text) => {
      const kind = (await mermaid.parse(text)).diagramType;
      const box = document.getElementById("box");
      box.innerHTML = (await mermaid.render("g", text)).svg;
      const texts = [...box.querySelectorAll(".nodeLabel, .edgeLabel p")].map((e) => e.innerText);
      return [kind, texts, box.querySelectorAll("img, script, a").length];
    })(%s)"""
    with Browser() as browser:
        browser.open(page)
        browser.run("mermaid.initialize({ startOnLoad: false })")
        drawings = {name: shown(CASES[name]) for name in ("lecture", "choice", "mazur", "letters")}
        for name, diagram in [*drawings.items(), *((text, hostile(text)) for text in HOSTILE)]:
            kind, texts, foreign = browser.run(program % json.dumps(mermaid([diagram])))
            assert kind == "flowchart-v2"
            assert foreign == 0, name
            shown_lines = {" ".join(line.split()) for text in texts for line in text.split("\n")}
            for item in diagram.items:
                below = f"← {cleaned(item.gradient)}"
                assert not item.gradient or below in shown_lines, (name, below, shown_lines)
                for wire in item.wires:
                    assert not wire.slope or cleaned(wire.slope) in shown_lines, name
        assert browser.problems == []


def test_mermaid_draws_no_more_edges_than_its_pages_allow():
    """The limit that a note speaks of is the default of Mermaid's own configuration."""
    source = package("mermaid", MERMAID) / "dist" / "mermaid.min.js"
    assert re.search(rf"maxEdges:{MOST_EDGES}\b", source.read_text(encoding="utf-8"))


# ---------------------------------------------------------------------------------------- JSON


@pytest.mark.parametrize("name", CASES)
def test_json_has_the_numbers_of_the_sweeps(name):
    solved, diagram = solution(CASES[name])
    answer = solved.answers[0]
    made = json.loads(json.dumps(graph_object(solved, [diagram], True), allow_nan=False))
    assert made["schema"] == "backprop/1"
    assert made["ok"] is (answer.failure is None)
    nodes = {node["id"]: node for node in made["graph"]["nodes"]}
    assert made["graph"]["output"] in nodes
    for item in diagram.items:
        node = nodes[f"n{item.node}"]
        value, adjoint = solved.values[item.node], answer.adjoints[item.node]
        assert float(node["value"]) == pytest.approx(float(value), rel=0, nan_ok=True)
        if adjoint is None:
            assert node["adjoint"] is None
        else:
            assert float(node["adjoint"]) == pytest.approx(float(adjoint), rel=0, nan_ok=True)
    for edge in made["graph"]["edges"]:
        assert {edge["from"], edge["to"]} <= set(nodes)
        assert isinstance(edge["flows"], bool)
