"""What a verification says: named checks, integrity and status apart, one verdict line, one exit code.

Rules
1. A check that was not run counts as failed. "Valid" alone is never said.
2. Exit codes: 0 authentic and current as of then; 1 altered, or a check failed or not run; 2 usage (the command line's);
   3 authentic with a remark; 4 superseded; 5 revoked; 6 erased; 7 pending. If several apply: 2, 1, 7, 6, 5, 4, 3, 0.
3. The JSON form (``xinlian-report/1``) is stable: members are only ever added.

Example: ``report.lines()[0]`` is ``AUTHENTIC AND CURRENT as of block 12 (2026-03-02T01:00:00Z)``.

Source: design.md 4.6.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from typing import Final

from xinlian.protocol.attachments import FileValue, file_value
from xinlian.protocol.chainview import Anchoring
from xinlian.protocol.jsontext import value_text
from xinlian.protocol.record import Statement
from xinlian.protocol.types import Status, Stream

FORMAT: Final = "xinlian-report/1"


class Outcome(StrEnum):
    """How one check came out."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_RUN = "not-run"
    PENDING = "pending"


@dataclass(frozen=True, slots=True)
class Check:
    """One named check, its outcome and a sentence about it."""

    name: str
    outcome: Outcome
    detail: str


@dataclass(frozen=True, slots=True)
class Remark:
    """Something a reader must know although no check failed; it has a stable code."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Moment:
    """The block as of which was verified; hash and time are None when only its number was asked for."""

    number: int
    hash: str | None
    time: int | None


@dataclass(frozen=True, slots=True)
class Report:
    """The result of one verification.

    Args:
        checks: in the order of the closed list; the check of given files behind it.
        remarks: things that make exit code 3 when nothing weighs more.
        notes: what the evidence proves and what it does not; no influence on the exit code.
        values: disclosed values by field name, only when the check ``disclosures`` passed.
        status: None when it was not read or the stream has none.
        statement: None when the format failed.
        stream: None when the format failed.
        moment: None when no usable view was at hand.
        anchoring: the anchoring that the view found, or None.
    """

    checks: tuple[Check, ...]
    remarks: tuple[Remark, ...] = ()
    notes: tuple[str, ...] = ()
    values: Mapping[str, object] = field(default_factory=dict, repr=False)
    status: Status | None = None
    statement: Statement | None = None
    stream: Stream | None = None
    moment: Moment | None = None
    anchoring: Anchoring | None = None

    @property
    def integrity(self) -> str:
        """``authentic``, ``pending`` or ``not-proven``; says nothing about the status."""
        outcomes = [check.outcome for check in self.checks]
        if Outcome.FAILED in outcomes or Outcome.NOT_RUN in outcomes:
            return "not-proven"
        return "pending" if Outcome.PENDING in outcomes else "authentic"

    @property
    def attachments(self) -> tuple[tuple[str, FileValue], ...]:
        """The files that the disclosed values name, with their fields."""
        found = ((name, file_value(value)) for name, value in self.values.items())
        return tuple((name, value) for name, value in found if value is not None)

    @property
    def exit_code(self) -> int:
        """The exit code, by the precedence of rule 2."""
        integrity = self.integrity
        if integrity != "authentic":
            return 1 if integrity == "not-proven" else 7
        if self.status is not None and self.status is not Status.CURRENT:
            return 3 + int(self.status)
        return 3 if self.remarks else 0

    @property
    def verdict(self) -> str:
        """One line for people; never the word valid alone."""
        integrity = self.integrity
        if integrity == "not-proven":
            failed = ", ".join(self._names(Outcome.FAILED)) or "none"
            not_run = ", ".join(self._names(Outcome.NOT_RUN)) or "none"
            return f"NOT PROVEN: checks failed: {failed}; checks not run: {not_run}"
        when = _when(self.moment)
        if integrity == "pending":
            return f"PENDING: not anchored {when}; waiting: {', '.join(self._names(Outcome.PENDING))}"
        remark = ", WITH A REMARK" if self.remarks else ""
        return f"AUTHENTIC{_STATUS_WORDS[self.status]}{remark} {when}"

    def check(self, name: str) -> Check:
        """Return the check of that name; KeyError when the list has none."""
        for check in self.checks:
            if check.name == name:
                return check
        raise KeyError(name)

    def to_json(self) -> dict[str, object]:
        """Return the report's members, JSON types only."""
        return {
            "format": FORMAT,
            "verdict": self.verdict,
            "exit_code": self.exit_code,
            "integrity": self.integrity,
            "status": None if self.status is None else self.status.name.lower(),
            "stream": None if self.stream is None else self.stream.label,
            "statement": None if self.statement is None else _statement_json(self.statement),
            "checks": [{"name": c.name, "outcome": c.outcome.value, "detail": c.detail} for c in self.checks],
            "remarks": [{"code": remark.code, "text": remark.text} for remark in self.remarks],
            "notes": list(self.notes),
            "values": dict(self.values),
            "as_of": None if self.moment is None else _moment_json(self.moment),
            "anchored": None if self.anchoring is None else _anchoring_json(self.anchoring),
            "attachments": [{"field": name, **value.to_json()} for name, value in self.attachments],
        }

    def lines(self) -> list[str]:
        """Return the report as plain text: verdict, checks, remarks, notes, values."""
        return [
            self.verdict,
            *(f"  {_MARKS[check.outcome]} {check.name}: {check.detail}" for check in self.checks),
            *(f"  remark {remark.code}: {remark.text}" for remark in self.remarks),
            *(f"  note: {note}" for note in self.notes),
            *(f"  {name} = {value_text(value)}" for name, value in self.values.items()),
        ]

    def _names(self, *outcomes: Outcome) -> list[str]:
        return [check.name for check in self.checks if check.outcome in outcomes]


_STATUS_WORDS: Final = {
    None: "",
    Status.CURRENT: " AND CURRENT",
    Status.SUPERSEDED: ", SUPERSEDED",
    Status.REVOKED: ", REVOKED",
    Status.ERASED: ", ERASED",
}
_MARKS: Final = {Outcome.PASSED: "ok     ", Outcome.FAILED: "FAILED ", Outcome.NOT_RUN: "NOT RUN", Outcome.PENDING: "pending"}


@lru_cache(maxsize=1024)
def time_text(time_s: int) -> str:
    """Return epoch seconds as ``YYYY-MM-DDTHH:MM:SSZ``; the bare number when no calendar date fits it."""
    try:
        return datetime.fromtimestamp(time_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (OverflowError, ValueError, OSError):
        return f"{time_s} s"


def _when(moment: Moment | None) -> str:
    if moment is None:
        return "as of an unknown block"
    return f"as of block {moment.number}" + ("" if moment.time is None else f" ({time_text(moment.time)})")


def _statement_json(statement: Statement) -> dict[str, object]:
    return {
        "iss": statement.iss,
        "vct": statement.vct,
        "jti": statement.jti,
        "iat": statement.iat,
        "rev": statement.rev,
        "prev": None if statement.prev is None else statement.prev.hex(),
    }


def _moment_json(moment: Moment) -> dict[str, object]:
    return {"block_number": moment.number, "block_hash": moment.hash, "block_time": moment.time}


def _anchoring_json(anchoring: Anchoring) -> dict[str, object]:
    return {"block_number": anchoring.block_number, "block_time": anchoring.block_time, "tx_hash": anchoring.tx_hash}
