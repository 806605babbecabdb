"""Reconciles two departments' read entries of the calls between them.

Rules
1. Entries meet by (rid, item). A requester's ``attempted``, ``no-answer`` and ``refused`` in the clear (without an answer's
   digest) are *open*: they count only while nothing else came of the item. A provider writes nothing of what it refuses in the
   clear.
2. Equal must be: the two digests, grant, case, outcome, and that each names the other department and the other role.
   Times are not compared: each side writes its own.
3. A requester's open entry without the provider's entry is *unanswered*, not a finding.
4. Both sides' entries must be proven first (anchored, leaf in the batch); this function compares only.

Example: ``reconcile(own, theirs).is_clean``

Source: design 4.5.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, NamedTuple

from xinlian.protocol.envelope import Rid
from xinlian.protocol.statements import ReadEntry, ReadOutcome, ReadRole

_OPEN: Final = frozenset({ReadOutcome.ATTEMPTED, ReadOutcome.NO_ANSWER})
_Keyed = dict["ItemKey", list[ReadEntry]]


class ItemKey(NamedTuple):
    """One item of one request."""

    rid: Rid
    item: int


@dataclass(frozen=True, slots=True)
class Difference:
    """Two entries of the same item that disagree.

    Args:
        key: which item.
        members: names of the members that disagree, in a fixed order.
    """

    key: ItemKey
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """What comparing two logs gave; every list is in the order of its keys.

    Args:
        agreed: items that both sides wrote alike.
        missing_own: items that only the other side wrote.
        missing_other: items that only the own side wrote.
        unanswered: items that the own or the other requester sent and the provider never served.
        different: items on which the sides disagree.
        repeated: items that one side wrote more than once.
    """

    agreed: tuple[ItemKey, ...]
    missing_own: tuple[ItemKey, ...]
    missing_other: tuple[ItemKey, ...]
    unanswered: tuple[ItemKey, ...]
    different: tuple[Difference, ...]
    repeated: tuple[ItemKey, ...]

    @property
    def is_clean(self) -> bool:
        """True when nothing is missing, different or repeated."""
        return not (self.missing_own or self.missing_other or self.different or self.repeated)


def reconcile(own_entries: Iterable[ReadEntry], other_entries: Iterable[ReadEntry]) -> Reconciliation:
    """Compare the read entries of two departments.

    Args:
        own_entries: one department's entries with the other as counterparty, in any order.
        other_entries: the other's, likewise.
    """
    own, other = _by_item(own_entries), _by_item(other_entries)
    both = [key for key in sorted(own.keys() & other.keys()) if len(own[key]) == len(other[key]) == 1]
    differences = [Difference(key, _disagreements(own[key][0], other[key][0])) for key in both]
    only_own, only_other = sorted(own.keys() - other.keys()), sorted(other.keys() - own.keys())
    return Reconciliation(
        agreed=tuple(difference.key for difference in differences if len(difference.members) == 0),
        missing_own=tuple(key for key in only_other if not _is_open(other[key])),
        missing_other=tuple(key for key in only_own if not _is_open(own[key])),
        unanswered=tuple(sorted([*(k for k in only_own if _is_open(own[k])), *(k for k in only_other if _is_open(other[k]))])),
        different=tuple(difference for difference in differences if len(difference.members) > 0),
        repeated=tuple(
            key for key in sorted(own.keys() | other.keys()) if len(own.get(key, [])) > 1 or len(other.get(key, [])) > 1
        ),
    )


def _by_item(entries: Iterable[ReadEntry]) -> _Keyed:
    """Group entries by item; the same leaf twice is one entry."""
    grouped: _Keyed = {}
    for entry in {entry.leaf: entry for entry in entries}.values():
        grouped.setdefault(ItemKey(entry.clear.rid, entry.clear.item), []).append(entry)
    return {key: _decided(found) for key, found in grouped.items()}


def _decided(found: list[ReadEntry]) -> list[ReadEntry]:
    """Open entries give way to what came of them; of several open ones the latest stays."""
    final = [entry for entry in found if not _is_open_entry(entry)]
    return final or [max(found, key=lambda entry: (entry.clear.time, entry.leaf))]


def _is_open(found: list[ReadEntry]) -> bool:
    return all(_is_open_entry(entry) for entry in found)


def _is_open_entry(entry: ReadEntry) -> bool:
    clear = entry.clear
    in_the_clear = clear.outcome is ReadOutcome.REFUSED and clear.role is ReadRole.REQUESTER and clear.answer_digest is None
    return clear.outcome in _OPEN or in_the_clear


def _disagreements(own: ReadEntry, other: ReadEntry) -> tuple[str, ...]:
    left, right = own.clear, other.clear
    parties = left.counterparty == other.ids.issuer and right.counterparty == own.ids.issuer
    compared = (
        ("parties", parties),
        ("role", left.role is not right.role),
        ("request_digest", left.request_digest == right.request_digest),
        ("answer_digest", left.answer_digest == right.answer_digest),
        ("grant", left.grant == right.grant),
        ("case", left.case == right.case),
        ("outcome", left.outcome is right.outcome),
    )
    return tuple(member for member, agrees in compared if not agrees)
