"""docs/protocol.md cannot rot: its example is the first vector, its lists are the code's."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.support import naive
from xinlian.protocol import bundle, manifest, report, verification, verification_remarks
from xinlian.protocol.b64 import unb64u
from xinlian.protocol.receipt import FIELDS

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")


def table(head: str) -> list[str]:
    """The first column of the table under ``head``, without its back ticks."""
    rows = TEXT.split(f"| {head} |", 1)[1].splitlines()[2:]
    column = []
    for row in rows:
        match = re.match(r"\| `([^`]+)` \|", row)
        if match is None:
            break
        column.append(match[1])
    return column


def test_the_example_is_the_first_vector() -> None:
    vector = json.loads((naive.VECTORS / "rec-1.json").read_text())["vectors"][0]
    lines = [unb64u(vector["disclosures"][0]).decode(), vector["disclosures"][0], unb64u(vector["statement"]).decode()]
    assert "\n".join([*lines, f"leaf {vector['leaf']}"]) in TEXT


def test_the_list_of_checks() -> None:
    assert tuple(table("check")) == verification.CHECKS


def test_the_list_of_remarks() -> None:
    source = Path(verification_remarks.__file__).read_text(encoding="utf-8")
    assert set(table("remark")) == set(re.findall(r'Remark\("([a-z-]+)"', source))


@pytest.mark.parametrize("word", [bundle.FORMAT, manifest.FORMAT, report.FORMAT, *manifest.CONTRACTS, *FIELDS])
def test_every_name_of_a_format_is_written_down(word: str) -> None:
    assert word in TEXT


def test_the_limits() -> None:
    assert f"{verification_remarks.LATE_AFTER_S:,} s" in TEXT
    assert f"{verification_remarks.CLOCK_TOLERANCE_S} s" in TEXT
    assert f"{bundle.MAX_DISCLOSURES:,} disclosures" in TEXT
