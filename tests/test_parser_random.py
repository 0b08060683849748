"""Random text, bytes and slips in programs are read, or refused with an error that points."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from backprop_cli.calculus.values import forward_values
from backprop_cli.errors import BackpropError
from backprop_cli.language.parser import parse
from tests.test_parser import MEANINGS

VALID = [source for source, _ in MEANINGS]
INGREDIENTS = [
    *"abcxyzefπ²³⁻√×·−÷()()()+-*/^^,,;=<>!.0123456789 \t\n#_|{}[]'\"\\&%$@~?:∞½\x00\x1b\u200b\ufeff",
    *("where(", "max(", "sin(", "g(t) = ", "f(z...) = ", "z...", "**", "==", "<=", "1e", "e5"),
    *("pi", "lambda", "if", "and", "huber(", "pick(", "cross_entropy(", "😀", "ｘ", "x₁", "́"),
]


def never_more_than_an_error(source: str, bound: tuple[str, ...] = ()) -> None:
    """Parse; a refusal must be ours, and point into the text."""
    refused: BackpropError | None = None
    try:
        graph = parse(source, bound)
    except BackpropError as error:
        refused = error
    if refused is None:
        assert len(forward_values(graph, dict.fromkeys(graph.inputs, 0.5))) == graph.size
        return
    assert refused.message
    assert refused.source == source
    assert refused.span is not None
    assert 0 <= refused.span.start <= refused.span.end <= max(len(source), 1)


fuzzed = settings(derandomize=True, deadline=None, max_examples=500)


@fuzzed
@given(st.text(max_size=40))
def test_random_text_is_read_or_refused(source: str) -> None:
    never_more_than_an_error(source)


@fuzzed
@given(st.lists(st.sampled_from(INGREDIENTS), max_size=25).map("".join))
def test_random_mixtures_of_tokens_are_read_or_refused(source: str) -> None:
    never_more_than_an_error(source)
    never_more_than_an_error(source, ("x", "e", "pi", "sin", "f"))


@fuzzed
@given(st.binary(max_size=60))
def test_random_bytes_are_read_or_refused(raw: bytes) -> None:
    never_more_than_an_error(raw.decode("utf-8", "replace"))
    never_more_than_an_error(raw.decode("latin-1"))


def test_valid_programs_with_a_few_characters_changed_are_read_or_refused() -> None:
    chance = random.Random("a corpus of slips")
    for _ in range(6000):
        text = list(chance.choice(VALID))
        for _ in range(chance.randint(1, 3)):
            place = chance.randrange(len(text) + 1)
            how = chance.randrange(4)
            if how == 0:
                text[place:place] = [chance.choice(INGREDIENTS)]
            elif how == 1:
                del text[place : place + chance.randint(1, 4)]
            elif how == 2:
                text[place : place + 1] = [chance.choice(INGREDIENTS)]
            else:
                other = chance.choice(VALID)
                text[place:place] = list(other[: chance.randrange(len(other) + 1)])
        never_more_than_an_error("".join(text))
