"""``xinlian inbox``: what waits for the person whose token is used."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from xinlian.cli.command import ONLINE, Session, command, single
from xinlian.cli.output import table

app = single()
_COLUMNS = ("light", "clock", "last day", "as", "kind", "what", "object", "ref", "urging")


@command(app, "inbox", ONLINE)
def inbox(session: Session, limit: Annotated[int, typer.Option("--limit", min=1, help="How many at most.")] = 200) -> None:
    """What waits for you as 经办, 负责人 or for the authority, by deadline, with working days used and light."""
    found = session.client.items("/api/v1/inbox", limit=limit)
    session.output.result({"items": found}, lambda: table(_COLUMNS, [_line(item) for item in found]))


def _line(item: Mapping[str, Any]) -> list[object]:
    clock = item.get("clock") or {}
    shown = [item.get(name) for name in ("capacity", "kind", "what", "object", "ref", "urging")]
    return [clock.get("light"), clock.get("text"), clock.get("last_day"), *shown]
