"""The right gradient as a formula: by SymPy, simplified; else the gradient graph, written out."""

from collections.abc import Collection, Mapping
from itertools import chain
from typing import TYPE_CHECKING

from backprop_cli.calculus.gradient_graph import gradient_graph
from backprop_cli.graph import Graph, GraphBuilder
from backprop_cli.language.names import display_names
from backprop_cli.language.printer import program_text
from backprop_cli.operations import CONSTANT
from backprop_cli.studies.checking.claims import Question, Questions
from backprop_cli.studies.solution import Formula

if TYPE_CHECKING:
    from backprop_cli.studies.witness import SymPyWitness

_LARGEST = 1_000


def start(questions: Questions, seconds: float) -> "SymPyWitness":
    """Start SymPy on every gradient that something is claimed of, in a process of its own."""
    from backprop_cli.studies import witness

    outputs = {questions.labels[q.output]: q.output for q in questions.asked}
    wrt = {q.claim.name: q.target for q in questions.asked}
    return witness.start(questions.program, outputs, wrt, None, seconds)


def slope_formulas(questions: Questions, sympy: "SymPyWitness | None" = None) -> tuple[str, ...]:
    """Return the right formula for each claim; waits for SymPy, if it was started.

    Empty where SymPy has none and the graph is too large to be written out.
    """
    heard = sympy.result() if sympy is not None else {}
    texts = []
    for question in questions.asked:
        witness = heard.get(questions.labels[question.output])
        said = witness.gradient.get(question.claim.name) if witness else None
        texts.append(said.text if isinstance(said, Formula) else _written_out(questions, question))
    return tuple(texts)


def same_form(formula: str, claim: str) -> bool:
    """Return whether two formulas are written with the same signs, perhaps in another order."""
    first, second = (sorted(text.replace(" ", "").replace("**", "^")) for text in (formula, claim))
    return first == second


def claim_text(questions: Questions, question: Question) -> str:
    """Return a claim's formula as it was read, in the one spelling of the language."""
    graph, first = questions.graph, questions.program.size
    names = display_names(questions.program)
    inputs: dict[str, int] = {}
    later = (graph.operands_of(node) for node in range(first, graph.size))
    for node in (question.node, *chain.from_iterable(later)):
        if node < first:
            inputs[names[node]] = node
    return program_text(_alone(graph, question.node, inputs))


def _written_out(questions: Questions, question: Question) -> str:
    graph = questions.program
    if graph.size > _LARGEST:
        return ""
    made = gradient_graph(graph, question.output, [question.target])
    return program_text(_alone(made, made.outputs[1], graph.inputs))


def _alone(graph: Graph, output: int, inputs: Mapping[str, int]) -> Graph:
    """Return what one node is computed from, down to `inputs`, and without any other names.

    Each constant is written anew where it is read, so that none needs a name.
    """
    names = {node: name for name, node in inputs.items()}
    needed = _needed(graph, output, names)
    builder = GraphBuilder()
    made: dict[int, int] = {}

    def copied(node: int) -> int:
        return builder.constant(graph.literals[node]) if node in graph.literals else made[node]

    for node in range(output + 1):
        row = graph.rows[node]
        if not needed[node] or row == CONSTANT:
            continue
        if node in names:
            made[node] = builder.names[names[node]] = builder.input(names[node])
        else:
            made[node] = builder.add(row, [copied(k) for k in graph.operands_of(node)])
    return builder.finish((copied(output),))


def _needed(graph: Graph, output: int, ends: Collection[int]) -> bytearray:
    """Return a mask of what a node is computed from, down to `ends` and no further."""
    mask = bytearray(output + 1)
    mask[output] = 1
    for node in range(output, -1, -1):
        if mask[node] and node not in ends:
            for operand in graph.operands_of(node):
                mask[operand] = 1
    return mask
