"""Growing costs: reverse mode's stays a few evaluations of f, forward mode's grows with inputs."""

import pytest

from backprop_cli.studies.comparing import costs
from backprop_cli.studies.comparing.growth import Member, Price, crossover, grown, member
from backprop_cli.studies.comparing.modes import MODES

SIZES = (1, 2, 4, 8, 16, 32, 64, 128)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take times of one run: only counts are asserted here."""
    monkeypatch.setattr(costs, "timed", lambda run: costs.Timing(1.0, None))


def ratios(mode: str) -> list[float]:
    found = [one.price(mode).ratio for one in grown(SIZES)]
    return [ratio for ratio in found if ratio is not None]


def test_a_member_is_the_documented_function_at_the_documented_point() -> None:
    solution = member(3)
    assert dict(solution.point) == {"x1": 1.0, "x2": 1 / 2, "x3": 1 / 3}
    assert solution.graph.source == "log(1 + x1^2 + x2^2 + x3^2)"
    sizes = [costs.evaluation(member(n)).total for n in (1, 2, 3, 10)]
    assert sizes == [3, 5, 7, 21]  # log, then a square and a sum for each input


def test_reverse_mode_costs_a_bounded_number_of_evaluations() -> None:
    """Baur and Strassen bound it by 5 where + and * cost one; a power's slope is some calls more."""
    found = ratios("reverse")
    assert max(found) < 8
    assert found[-1] == pytest.approx(found[-2], rel=0.02)


@pytest.mark.parametrize("mode", ["forward", "forward-difference", "central", "complex-step"])
def test_every_other_mode_pays_for_each_input(mode: str) -> None:
    """Twice the inputs: twice the evaluations of f."""
    found = ratios(mode)
    assert found[-1] / found[-2] == pytest.approx(2, rel=0.05)
    assert found[-1] > 100


def test_differences_cost_the_evaluations_they_make() -> None:
    (one,) = grown([64])
    assert one.price("forward-difference").ratio == pytest.approx(65, rel=0.03)
    assert one.price("central").ratio == pytest.approx(128, rel=0.04)


def test_what_is_too_large_is_skipped_with_a_reason() -> None:
    (one,) = grown([3000])
    assert one.price("reverse").operations is not None
    skipped = one.price("forward")
    assert (skipped.operations, skipped.ratio, skipped.seconds) == (None, None, None)
    assert "3,000 inputs" in skipped.skipped


def timed(inputs: int, reverse: float, forward: float) -> Member:
    seconds = {"reverse": reverse, "forward": forward}
    prices = tuple(Price(mode, 1, 1.0, seconds.get(mode)) for mode in MODES[:-1])
    return Member(inputs, 1, prices)


def test_the_crossover_is_counted_on_the_family() -> None:
    """With one input both modes take the same products; with two forward mode takes more."""
    found = crossover(list(grown([1, 10])))
    totals = {
        n: [costs.counted(mode, member(n)).operations.total for mode in ("reverse", "forward")]
        for n in (1, 2)
    }
    assert totals[1][1] <= totals[1][0]
    assert totals[2][1] > totals[2][0]
    assert found.counted == 2
    assert "from 2 inputs on" in found.sentence


def test_the_crossover_by_the_clock_is_where_forward_mode_stays_slower() -> None:
    members = [timed(1, 1.0, 2.0), timed(10, 1.0, 0.5), timed(100, 1.0, 3.0), timed(1000, 1.0, 9.0)]
    found = crossover(reversed(members))
    assert found.timed == 100
    assert "by the clock from 100 inputs on" in found.sentence


def test_a_crossover_that_the_clock_has_not_seen_is_not_claimed() -> None:
    found = crossover([timed(1, 1.0, 0.5), timed(10, 1.0, 0.9)])
    assert found.timed is None
    assert "by the clock at none of the sizes asked" in found.sentence
