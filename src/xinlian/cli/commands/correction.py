"""``xinlian correction``: disputing a value (校核), answering, who was told, and what others told."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from xinlian.cli.approvals import approval_text
from xinlian.cli.client import Body, segment
from xinlian.cli.command import CREATING, ONLINE, Session, command, group
from xinlian.cli.files import read_object
from xinlian.cli.output import pairs, table
from xinlian.protocol.errors import InputError

app = group("Corrections 校核: dispute a value, answer 更正 or 维持, forward to the source, see who was told.")
Receiver = Annotated[str, typer.Argument(metavar="RECEIVER", help="USCC of the department that disputes.")]
Number = Annotated[str, typer.Argument(metavar="NUMBER", help="The receiver's number, 14 digits.")]
_COLUMNS = ("receiver", "number", "provider", "dataset", "state", "fields", "addressee", "used")
_TOLD = ("id", "sender", "correction", "record_id", "fields", "rev", "seen_at")
_RECIPIENTS = ("recipient", "state", "copies", "attempts", "last_code", "acknowledged_at")
_DIRECTIONS = ("made", "received", "own", "all")


@command(app, "new", CREATING)
def new(
    session: Session,
    file: Annotated[
        str, typer.Argument(help="provider, grant and form as a JSON object (document example correction); - for stdin.")
    ],
) -> None:
    """Propose to dispute a value to the department's head, who files it by consenting."""
    made = session.client.once("/api/v1/corrections", Body.json(read_object(file))).json()
    session.output.result(made, lambda: approval_text(made))


@command(app, "list", ONLINE)
def list_corrections(
    session: Session,
    direction: Annotated[str, typer.Option("--direction", help="made, received, own or all.")] = "own",
    open_only: Annotated[bool, typer.Option("--open", help="Only what is not answered.")] = False,
) -> None:
    """Corrections by receiver and number."""
    if direction not in _DIRECTIONS:
        raise InputError("argument-form", f"--direction is one of {', '.join(_DIRECTIONS)}", expected=list(_DIRECTIONS))
    query = {"direction": direction, "open_only": "true" if open_only else "false"}
    found = session.client.items("/api/v1/corrections", query)
    session.output.result({"items": found}, lambda: table(_COLUMNS, [[_cell(item, c) for c in _COLUMNS] for item in found]))


@command(app, "show", ONLINE)
def show(session: Session, receiver: Receiver, number: Number) -> None:
    """One correction with its clock, and every department that was told."""
    found = session.client.get(_path(receiver, number))
    session.output.result(found, lambda: _text(found))


@command(app, "step", CREATING)
def step(
    session: Session,
    name: Annotated[str, typer.Argument(metavar="STEP", help="withdraw, correct, maintain, forward or adopt.")],
    receiver: Receiver,
    number: Number,
    file: Annotated[
        str | None, typer.Argument(help="The step's form as a JSON object (document example correction-STEP); - for stdin.")
    ] = None,
    record: Annotated[str | None, typer.Option("--record", help="The source's own record that it corrected.")] = None,
) -> None:
    """Propose a step to the department's head, who takes it by consenting."""
    body = {"form": {} if file is None else read_object(file), "record_id": record}
    made = session.client.once(f"{_path(receiver, number)}/steps/{segment(name)}", Body.json(body)).json()
    session.output.result(made, lambda: approval_text(made))


@command(app, "overdue", CREATING)
def overdue(session: Session, receiver: Receiver, number: Number) -> None:
    """Record on chain that the answer is late; refused before its time."""
    done = session.client.once(f"{_path(receiver, number)}/marks/overdue", Body.json({})).json()
    session.output.result(done, lambda: _text(done))


@command(app, "told", ONLINE)
def told(session: Session, limit: Annotated[int, typer.Option("--limit", min=1, help="How many at most.")] = 50) -> None:
    """What other departments told about values that this one received."""
    found = session.client.items("/api/v1/corrections/told", limit=limit)
    session.output.result({"items": found}, lambda: table(_TOLD, [[_cell(item, c) for c in _TOLD] for item in found]))


@command(app, "see", CREATING)
def see(session: Session, number: Annotated[int, typer.Argument(min=1, help="Its id in the list.")]) -> None:
    """Take note of a correction for the department."""
    done = session.client.once(f"/api/v1/corrections/told/{number}/see", Body.json({})).json()
    session.output.result(done, lambda: pairs(done))


def _path(receiver: str, number: str) -> str:
    if not (number.isascii() and number.isdecimal()):
        raise InputError("argument-form", "NUMBER is the receiver's number, 14 digits", expected="20260924000001")
    return f"/api/v1/corrections/{segment(receiver)}/{int(number)}"


def _cell(item: dict[str, Any], column: str) -> object:
    if column == "used":
        return (item.get("clock") or {}).get("text")
    value = item.get(column)
    return " ".join(value) if isinstance(value, list) else value


def _text(found: dict[str, Any]) -> str:
    clock, changed, documents = found.get("clock") or {}, found.get("corrected") or {}, found.get("documents") or {}
    head = {name: value for name, value in found.items() if name not in ("clock", "corrected", "documents", "recipients")}
    head |= {**clock, **{f"corrected_{name}": value for name, value in changed.items()}, **documents}
    rows = [[one.get(name) for name in _RECIPIENTS] for one in found.get("recipients") or []]
    return pairs(head) + ("\n\n" + table(_RECIPIENTS, rows) if rows else "")
