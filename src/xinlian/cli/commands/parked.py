"""``xinlian parked``: work that was tried in vain and waits for a person."""

from __future__ import annotations

from typing import Annotated

import typer

from xinlian.cli.client import Body
from xinlian.cli.command import CREATING, ONLINE, Session, command, group
from xinlian.cli.output import pairs, table

app = group("Parked work: list, replay.")
_COLUMNS = ("id", "kind", "ref", "reason", "since", "attempts")


@command(app, "list", ONLINE)
def list_parked(session: Session) -> None:
    """Items that wait for a person, each with its reason."""
    found = session.client.items("/api/v1/parked")
    session.output.result({"items": found}, lambda: table(_COLUMNS, [[item.get(c) for c in _COLUMNS] for item in found]))


@command(app, "replay", CREATING)
def replay(session: Session, item: Annotated[int, typer.Argument(metavar="ITEM", help="Number of the item.")]) -> None:
    """Try a parked item again."""
    done = session.client.once(f"/api/v1/parked/{item}/replay", Body.json({})).json()
    session.output.result(done, lambda: pairs(done))
