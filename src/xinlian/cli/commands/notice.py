"""``xinlian notice``: what this node told others and was told, until it is acknowledged."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from xinlian.cli.command import ONLINE, Session, command, group
from xinlian.cli.output import cell, table

app = group("Notices between departments' nodes.")
SENT = ("notice", "recipient", "kind", "state", "attempts", "last_code", "outcome", "kept")
_RECEIVED = ("notice", "sender", "kind", "received_at", "outcome", "deleted", "kept")
Limit = Annotated[int, typer.Option("--limit", min=1, help="How many at most.")]


@command(app, "list", ONLINE)
def list_notices(
    session: Session,
    open_only: Annotated[bool, typer.Option("--open", help="Only those that are not acknowledged.")] = False,
    limit: Limit = 200,
) -> None:
    """Notices to other departments, oldest first, with what each recipient said."""
    found = session.client.items("/api/v1/notices", {"state": "open" if open_only else "all"}, limit)
    session.output.result({"items": found}, lambda: table(SENT, [sent_row(item) for item in found]))


def sent_row(item: Mapping[str, Any]) -> list[object]:
    """One notice as a line; what a duty keeps as its legal basis."""
    return [_cell(item, name) for name in SENT]


def _cell(item: Mapping[str, Any], name: str) -> str:
    if name == "kept":
        return "; ".join(f"{one['basis']} ({one['until']})" for one in item.get("kept") or [])
    return cell(item.get(name))


@command(app, "received", ONLINE)
def received(session: Session, limit: Limit = 200) -> None:
    """Notices of other departments that were followed, oldest first, with what was done."""
    found = session.client.items("/api/v1/notices/received", None, limit)
    session.output.result({"items": found}, lambda: table(_RECEIVED, [[_cell(item, n) for n in _RECEIVED] for item in found]))
