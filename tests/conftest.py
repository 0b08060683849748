"""What tests share: golden texts, compared or rewritten (`pytest --update-snapshots`)."""

from collections.abc import Callable
from pathlib import Path

import pytest

SNAPSHOTS = Path(__file__).parent / "snapshots"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-snapshots", action="store_true", help="rewrite tests/snapshots/*.txt"
    )


@pytest.fixture
def matches_snapshot(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Return a function that compares a text with the golden one of this name."""

    def compare(name: str, text: str) -> None:
        path = SNAPSHOTS / (name if "." in name else f"{name}.txt")
        if request.config.getoption("--update-snapshots"):
            SNAPSHOTS.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert path.is_file(), f"no snapshot {name}; run pytest --update-snapshots and look at it"
        assert text == path.read_text(encoding="utf-8")

    return compare
