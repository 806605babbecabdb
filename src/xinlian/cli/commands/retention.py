"""``xinlian retention``: which case files a law orders to keep, although records in them are erased where they came from."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Annotated

import typer

from xinlian.cli.client import Body
from xinlian.cli.command import CREATING, ONLINE, Session, command, group
from xinlian.cli.output import pairs, table
from xinlian.protocol.errors import InputError

app = group("Retention duties of case files.")
_COLUMNS = ("id", "lead", "case_no", "basis", "until", "state", "recorded_at", "ended_at")
_UTC8 = timezone(timedelta(hours=8))


@command(app, "record", CREATING)
def record(
    session: Session,
    lead: Annotated[str, typer.Argument(help="USCC of the case's lead.")],
    case_no: Annotated[str, typer.Argument(metavar="CASE_NO", help="Number of the case.")],
    basis: Annotated[str, typer.Option("--basis", help="The law and article, one line of at most 200 characters.")],
    until: Annotated[str, typer.Option("--until", metavar="DATE", help="Last day, YYYY-MM-DD, UTC+8.")],
) -> None:
    """Record that a law orders to keep a case's file until a day."""
    body = {"lead": lead, "case_no": case_no, "basis": basis, "until": _end_of(until)}
    made = session.client.once("/api/v1/retention-duties", Body.json(body)).json()
    session.output.result(made, lambda: pairs(made))


def _end_of(day: str) -> int:
    """The first second after a day, epoch seconds."""
    try:
        start = datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=_UTC8)
    except ValueError as error:
        raise InputError("argument-form", "--until is a day, YYYY-MM-DD", expected="YYYY-MM-DD") from error
    return int((start + timedelta(days=1)).timestamp())


@command(app, "list", ONLINE)
def list_duties(session: Session, limit: Annotated[int, typer.Option("--limit", min=1, help="How many at most.")] = 200) -> None:
    """Retention duties, ended ones included, oldest first."""
    found = session.client.items("/api/v1/retention-duties", None, limit)
    session.output.result({"items": found}, lambda: table(_COLUMNS, [[item.get(c) for c in _COLUMNS] for item in found]))


@command(app, "end", CREATING)
def end(session: Session, duty: Annotated[int, typer.Argument(metavar="DUTY", help="Number of the duty.")]) -> None:
    """End a duty before its day; what it alone kept of erased records goes at once."""
    ended = session.client.once(f"/api/v1/retention-duties/{duty}/end", Body.json({})).json()
    session.output.result(ended, lambda: pairs(ended))
