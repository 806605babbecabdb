"""``xinlian use``: use records (使用情况记录) and disposals (处置)."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from xinlian.cli.approvals import approval_text
from xinlian.cli.client import Body
from xinlian.cli.command import CREATING, ONLINE, Session, command, group
from xinlian.cli.files import read_object
from xinlian.cli.output import pairs, table

app = group("Use records and disposals: record, list, show, delete, dispose.")
_RECORDS = ("id", "grant", "case", "period_from", "period_to", "recorded_at", "retained_until", "deleted_at")
_DISPOSALS = ("id", "object", "deleted", "kept", "disposed_at", "document")
_ACTS = ("position", "act", "time", "state")
Form = Annotated[str, typer.Argument(help="The form as a JSON object (document example use-record, use-dispose); - for stdin.")]


@command(app, "record", CREATING)
def record(
    session: Session,
    provider: Annotated[str, typer.Argument(metavar="PROVIDER", help="USCC of the department that gave the grant.")],
    number: Annotated[int, typer.Argument(min=1, metavar="GRANT", help="Number of the grant.")],
    file: Form = "-",
) -> None:
    """Propose a use record: period_from, period_to, scene, process, effect, storage, disposal; case for one case alone."""
    body = {"provider": provider, "number": number, "form": read_object(file)}
    made = session.client.once("/api/v1/use-records", Body.json(body)).json()
    session.output.result(made, lambda: approval_text(made))


@command(app, "list", ONLINE)
def list_records(
    session: Session,
    grant: Annotated[str | None, typer.Option("--grant", help="Only those of this grant, <provider>/<number>.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many at most.")] = 200,
) -> None:
    """Use records, oldest first."""
    found = session.client.items("/api/v1/use-records", {"grant": grant}, limit)
    session.output.result({"items": found}, lambda: table(_RECORDS, [[item.get(c) for c in _RECORDS] for item in found]))


@command(app, "show", ONLINE)
def show(session: Session, number: Annotated[int, typer.Argument(min=1, metavar="ID")]) -> None:
    """One use record with its text and the acts that prove it."""
    found = session.client.get(f"/api/v1/use-records/{number}")
    session.output.result(found, lambda: _text(found))


@command(app, "delete", ONLINE)
def delete(session: Session, number: Annotated[int, typer.Argument(min=1, metavar="ID")]) -> None:
    """Delete a use record's text after its retention; refused before."""
    found = session.client.call("DELETE", f"/api/v1/use-records/{number}").json()
    session.output.result(found, lambda: pairs(found))


@command(app, "dispose", CREATING)
def dispose(
    session: Session,
    lead: Annotated[str, typer.Argument(metavar="LEAD", help="USCC of the case's lead department.")],
    case_no: Annotated[str, typer.Argument(metavar="CASE")],
    file: Form = "-",
) -> None:
    """Propose to dispose of what was received for a closed case: method, scope, done_on, done_by, witnessed_by, kept."""
    body = {"lead": lead, "case_no": case_no, "form": read_object(file)}
    made = session.client.once("/api/v1/disposals", Body.json(body)).json()
    session.output.result(made, lambda: approval_text(made))


@command(app, "disposals", ONLINE)
def disposals(
    session: Session,
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many at most.")] = 200,
) -> None:
    """Disposals of requests and cases, oldest first."""
    found = session.client.items("/api/v1/disposals", {}, limit)
    session.output.result({"items": found}, lambda: table(_DISPOSALS, [[item.get(c) for c in _DISPOSALS] for item in found]))


@command(app, "receipt", ONLINE)
def receipt(session: Session, number: Annotated[int, typer.Argument(min=1, metavar="ID", help="Of the disposal.")]) -> None:
    """One disposal with its receipt: text, salt, acts, and whether the chain shows it."""
    found = session.client.get(f"/api/v1/disposals/{number}")
    session.output.result(found, lambda: _text(found))


def _text(found: dict[str, object]) -> str:
    acts = found.get("acts")
    head = {name: value for name, value in found.items() if name not in ("acts", "content", "text")}
    lines = pairs({**head, "content": json.dumps(found.get("content"), ensure_ascii=False)})
    rows = [[one.get(name) for name in _ACTS] for one in acts] if isinstance(acts, list) else []
    return f"{lines}\n\n{table(_ACTS, rows)}"
