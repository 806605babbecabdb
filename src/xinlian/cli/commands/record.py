"""``xinlian record``: look at, revise and end records."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from xinlian.cli.client import Body, segment
from xinlian.cli.command import CREATING, ONLINE, Session, command, group
from xinlian.cli.commands.notice import SENT, sent_row
from xinlian.cli.commands.publish import Wait, preferring
from xinlian.cli.files import read_bytes
from xinlian.cli.output import cell, pairs, table
from xinlian.protocol.errors import InputError

app = group("Records of this department.")
RecordId = Annotated[str, typer.Argument(metavar="RECORD", help="Record id.")]
Revision = Annotated[int | None, typer.Option("--rev", min=1, help="Default: the newest revision.")]
Reason = Annotated[int, typer.Option("--reason", min=0, max=255, help="Registered reason code (docs/glossary.md).")]
MAX_ROW_BYTES = 1_000_000
_COLUMNS = ("record_id", "rev", "state", "status", "position", "iat")


def _path(record_id: str) -> str:
    return f"/api/v1/records/{segment(record_id)}"


@command(app, "list", ONLINE)
def list_records(
    session: Session,
    dataset: Annotated[str, typer.Option("--dataset", help="Short code or catalogue code.")],
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many at most.")] = 50,
) -> None:
    """Records of a dataset in publication order, without their values."""
    found = session.client.items(f"/api/v1/datasets/{segment(dataset)}/records", limit=limit)
    session.output.result({"items": found}, lambda: table(_COLUMNS, [[item.get(c) for c in _COLUMNS] for item in found]))


@command(app, "find", ONLINE)
def find(
    session: Session,
    dataset: Annotated[str, typer.Option("--dataset", help="Short code or catalogue code.")],
    field: Annotated[str, typer.Option("--field", help="A lookup field of the dataset.")],
) -> None:
    """Find records by a lookup field; the value is read from the first line of standard input, never an argument."""
    lines = read_bytes("-", 10_000).decode("utf-8", "replace").splitlines()
    if not lines or not lines[0].strip():
        raise InputError("argument-missing", "write the value to standard input", expected="one line")
    body = Body.json({"field": field, "value": lines[0].strip()})
    items = session.client.items(f"/api/v1/datasets/{segment(dataset)}/records/search", body=body)
    session.output.result({"items": items}, lambda: table(_COLUMNS, [[item.get(c) for c in _COLUMNS] for item in items]))


@command(app, "show", ONLINE)
def show(session: Session, record_id: RecordId, rev: Revision = None) -> None:
    """One record: state, status, receipt, and its fields if the user may see them."""
    record = session.client.get(_path(record_id), {"rev": rev})
    session.output.result(record, lambda: _text(record))


def _text(record: dict[str, object]) -> str:
    fields, receipt = record.get("fields"), record.get("receipt")
    head = {name: value for name, value in record.items() if name not in ("fields", "receipt")}
    if isinstance(receipt, dict):
        head["receipt"] = f"batch {receipt.get('sequence')}, leaf {receipt.get('index')}, block {receipt.get('block_number')}"
    if not isinstance(fields, dict):
        return pairs(head)
    return pairs(head) + "\n\n" + table(("field", "value"), [(name, cell(value)) for name, value in fields.items()])


@command(app, "revise", CREATING)
def revise(
    session: Session,
    record_id: RecordId,
    file: Annotated[str, typer.Argument(help="The whole row as a JSON object; - for standard input.")] = "-",
    wait: Wait = None,
) -> None:
    """Publish a new revision of a record."""
    body = Body(read_bytes(file, MAX_ROW_BYTES), headers=preferring(wait))
    answer = session.client.once(f"{_path(record_id)}/revisions", body).json()
    session.output.result(answer, lambda: pairs(answer))


@command(app, "revoke", CREATING)
def revoke(session: Session, record_id: RecordId, reason: Reason, wait: Wait = None) -> None:
    """Revoke a record: it stays proven, its status on the chain becomes revoked."""
    answer = session.client.once(f"{_path(record_id)}/revoke", Body.json({"reason": reason}, preferring(wait))).json()
    session.output.result(answer, lambda: pairs(answer))


@command(app, "erase", CREATING)
def erase(
    session: Session,
    record_id: RecordId,
    reason: Reason,
    yes: Annotated[bool, typer.Option("--yes", help="Erase without asking.")] = False,
    wait: Wait = None,
) -> None:
    """Erase a record for ever: its key is destroyed, its values cannot be restored."""
    if not yes:
        typer.confirm(f"Erase record {record_id} for ever?", abort=True, err=True)
    answer = session.client.once(f"{_path(record_id)}/erase", Body.json({"reason": reason}, preferring(wait))).json()
    session.output.result(answer, lambda: pairs(answer))


@command(app, "erasure", ONLINE)
def erasure(session: Session, record_id: RecordId) -> None:
    """Where the erasure of a record stands, and what every department that received something of it says."""
    found = session.client.get(f"{_path(record_id)}/erasure")
    session.output.result(found, lambda: _erasure_text(found))


def _erasure_text(found: dict[str, Any]) -> str:
    head = pairs({name: value for name, value in found.items() if name != "recipients"})
    rows = [sent_row(item) for item in found["recipients"]]
    return head + ("\n\n" + table(SENT, rows) if rows else "")


@command(app, "receipt", ONLINE)
def receipt(session: Session, record_id: RecordId, rev: Revision = None) -> None:
    """The receipt of a record; null while it is pending."""
    answer = session.client.get(f"{_path(record_id)}/receipt", {"rev": rev})
    found = answer.get("receipt") if isinstance(answer.get("receipt"), dict) else answer
    session.output.result(answer, lambda: pairs(found))
