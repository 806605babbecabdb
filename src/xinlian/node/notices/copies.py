"""Taking a record out of what a request brought: the kept content of one item, without and with it.

Content is the JSON of the case file: ``records`` with ``bundles`` in the same order, or an ``answer`` with its one bundle. An
answer statement counts as a copy when its source leaves name one of the record's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from xinlian.protocol.errors import InputError
from xinlian.protocol.record import parse_disclosure


@dataclass(frozen=True, slots=True)
class Split:
    """Content taken apart.

    Args:
        left: without the record, None when nothing is left.
        taken: what the record had in it, None when it was not in it.
    """

    left: dict[str, Any] | None
    taken: dict[str, Any] | None


def split(content: Mapping[str, Any], record_id: str, leaves: frozenset[str]) -> Split:
    """Take a record out of one item's content.

    Args:
        content: as kept.
        record_id: of the record.
        leaves: of its revisions, lower-case hex.
    """
    if content["answer"] is not None:
        return Split(None, dict(content)) if _is_made_from(content["bundles"], leaves) else Split(dict(content), None)
    places = [i for i, record in enumerate(content["records"]) if record["record_id"] == record_id]
    if not places:
        return Split(dict(content), None)
    others = [i for i in range(len(content["records"])) if i not in places]
    return Split(_part(content, others) if others else None, _part(content, places))


def _part(content: Mapping[str, Any], places: Sequence[int]) -> dict[str, Any]:
    bundles = content["bundles"]
    return {
        **content,
        "records": [content["records"][i] for i in places],
        "bundles": [bundles[i] for i in places] if len(bundles) == len(content["records"]) else [],
    }


def _is_made_from(bundles: Sequence[Mapping[str, Any]], leaves: frozenset[str]) -> bool:
    return any(leaf in leaves for bundle in bundles for leaf in _sources(bundle["disclosures"]))


def _sources(disclosures: Sequence[str]) -> list[str]:
    for text in disclosures:
        try:
            found = parse_disclosure(text)
        except InputError:
            continue
        if found.name == "sources" and isinstance(found.value, list):
            return [str(leaf) for leaf in found.value]
    return []
