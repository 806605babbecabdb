"""``xinlian grant``: who may use which fields; grants come only from delivering an agreed sharing request."""

from __future__ import annotations

from typing import Annotated

import typer

from xinlian.cli.client import segment
from xinlian.cli.command import ONLINE, Session, command, group
from xinlian.cli.output import pairs, table
from xinlian.protocol.errors import InputError

app = group("Grants on this department's datasets, and those it received.")
Number = Annotated[int, typer.Argument(metavar="NUMBER", min=1, help="Number of the grant.")]
_COLUMNS = ("provider", "number", "receiver", "code", "version", "state", "running")


@command(app, "list", ONLINE)
def list_grants(
    session: Session,
    direction: Annotated[str | None, typer.Option("--direction", help="given or received; default: both.")] = None,
) -> None:
    """Grants that this department gave or received."""
    if direction not in (None, "given", "received"):
        raise InputError("argument-form", "--direction is given or received", expected=["given", "received"])
    found = session.client.items("/api/v1/grants", {"direction": direction})
    session.output.result({"items": found}, lambda: table(_COLUMNS, [[item.get(c) for c in _COLUMNS] for item in found]))


@command(app, "show", ONLINE)
def show(session: Session, provider: Annotated[str, typer.Argument(help="USCC.")], number: Number) -> None:
    """One grant with its terms."""
    found = session.client.get(f"/api/v1/grants/{segment(provider)}/{number}")
    session.output.result(found, lambda: _text(found))


def _text(grant: dict[str, object]) -> str:
    terms = grant.get("terms")
    head = {name: value for name, value in grant.items() if name != "terms"}
    return pairs({**head, **(terms if isinstance(terms, dict) else {})})
