"""docs/webhooks.md cannot rot: it lists exactly the event types, in the words of the code."""

from __future__ import annotations

import re
from pathlib import Path

from xinlian.node.settings import Settings
from xinlian.node.webhooks import EVENT_TYPES

TEXT = (Path(__file__).parents[3] / "docs" / "webhooks.md").read_text("utf-8")


def test_every_event_type_is_documented_in_the_codes_words() -> None:
    rows = re.findall(r"^\| `([a-z_.]+)` \| [^|]+ \| ([^|]+) \|$", TEXT, re.MULTILINE)
    assert dict(rows) == EVENT_TYPES


def test_event_types_are_hierarchical_names() -> None:
    assert [name for name in EVENT_TYPES if not re.fullmatch(r"[a-z_]+(\.[a-z_]+)+", name)] == []


def test_the_pauses_are_those_of_the_document() -> None:
    pauses = Settings.model_fields["webhook_retry_s"].default
    assert list(pauses) == [5, 5 * 60, 30 * 60, *(hours * 3_600 for hours in (2, 5, 10, 14, 20, 24))]
    assert "5 s, 5 min, 30 min, 2, 5, 10, 14, 20, 24 h" in TEXT
