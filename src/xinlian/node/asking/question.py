"""A question as the caseworker puts it, as it is sent, and what is shown of its answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from xinlian.node.asking.line import Sealed
from xinlian.node.people import Person
from xinlian.protocol.members import Scalar
from xinlian.protocol.messages import Request
from xinlian.protocol.subjects import Subject


@dataclass(frozen=True, slots=True)
class AskItem:
    """One thing asked: its subject (a family for answers), and values to compare or a view's parameters."""

    subjects: tuple[Subject, ...]
    values: Mapping[str, Scalar]


@dataclass(frozen=True, slots=True)
class Question:
    """A use of another department's data as the caseworker puts it.

    ``authorisations``: ids of own ones to be shown, 32 bytes each; empty to have the node choose where the use needs them.
    """

    provider: str
    grant_number: int
    case: tuple[str, str] | None
    purpose: str
    mode: str
    fields: tuple[str, ...]
    view: str | None
    parameters: Mapping[str, Scalar]
    items: tuple[AskItem, ...]
    authorisations: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class ShownItem:
    """The result of one item as shown and kept: outcome, refusing check, values with verdicts, bundles."""

    outcome: str
    check: str | None
    records: tuple[dict[str, Any], ...] = ()
    answer: dict[str, Any] | None = None
    bundles: tuple[dict[str, Any], ...] = ()

    @property
    def is_kept(self) -> bool:
        """Whether it brought something that goes into the case file."""
        return bool(self.records) or self.answer is not None

    def to_json(self) -> dict[str, Any]:
        """Without the bundles, which have their own route."""
        return {"outcome": self.outcome, "check": self.check, "records": list(self.records), "answer": self.answer}


@dataclass(frozen=True, slots=True)
class Asked:
    """The outcome of a question."""

    rid: str
    state: str
    detail: str | None
    view: dict[str, int] | None
    items: tuple[ShownItem, ...]

    def to_json(self) -> dict[str, Any]:
        """As the API shows it."""
        return {
            "rid": self.rid,
            "state": self.state,
            "detail": self.detail,
            "view": self.view,
            "items": [item.to_json() for item in self.items],
        }

    def without_values(self) -> dict[str, Any]:
        """What a repeat of the call must know; the values stand in the case file alone."""
        items = [{"outcome": item.outcome, "check": item.check, "kept": item.is_kept} for item in self.items]
        return {**self.to_json(), "items": items}


@dataclass(frozen=True, slots=True)
class Sent:
    """A request on its way.

    Args:
        request: what is asked.
        sealed: as sealed, signed and sent.
        pseudonyms: of each item's subjects.
        person: who asks.
    """

    request: Request
    sealed: Sealed
    pseudonyms: tuple[tuple[str, ...], ...]
    person: Person

    @property
    def body(self) -> bytes:
        """The sealed bytes."""
        return self.sealed.body

    @property
    def digest(self) -> bytes:
        """SHA-256 of the sealed bytes."""
        return self.sealed.digest


def case_ref(request: Request) -> str | None:
    """The case of a request, ``<lead USCC>/<case no.>``."""
    return None if request.case is None else f"{request.case.lead}/{request.case.case_no}"
