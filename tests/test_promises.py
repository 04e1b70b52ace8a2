"""Each promise, and each fact about servers, names its tests, and they are there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "promises.md").read_text("utf-8")
ROWS = [
    line
    for line in PAGE.splitlines()
    if line.startswith("| ") and not line.startswith(("| | ", "| the ", "| server"))
]


@pytest.fixture(scope="module")
def there() -> set[str]:
    sources = (path.read_text("utf-8") for path in (ROOT / "core" / "tests").rglob("test_*.py"))
    return {name for source in sources for name in re.findall(r"def (test_\w+)\(", source)}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.split("|")[1].strip() or row[:30])
def test_every_promise_names_tests_that_exist(row, there):
    named = set(re.findall(r"`(test_\w+)`", row))
    assert named, row
    assert named <= there, named - there


def test_there_are_sixteen_promises_and_they_are_numbered():
    numbers = [int(match[1]) for row in ROWS if (match := re.match(r"\| (\d+) \| .", row))]
    assert numbers == list(range(1, 17))
