"""``xinlian acts``: who did which step of the law to what, with evidence."""

from __future__ import annotations

from typing import Annotated

import typer

from xinlian.cli.command import ONLINE, Session, command, group
from xinlian.cli.files import write_bytes
from xinlian.cli.output import table

app = group("Who did which step to what; every act is in the anchored log.")
_COLUMNS = ("position", "time", "act", "object", "person_id", "post", "role", "approval", "state")


@command(app, "list", ONLINE)
def list_acts(
    session: Session,
    object_: Annotated[str | None, typer.Option("--object", help="Such as 'dataset <USCC>/000001@1'.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many at most.")] = 200,
) -> None:
    """Acts of this department's people, oldest first."""
    found = session.client.items("/api/v1/acts", {"object": object_}, limit)
    session.output.result({"items": found}, lambda: table(_COLUMNS, [[item.get(c) for c in _COLUMNS] for item in found]))


@command(app, "bundle", ONLINE)
def bundle(
    session: Session,
    position: Annotated[int, typer.Argument(min=1)],
    output: Annotated[str, typer.Option("--output", "-o", metavar="FILE", help="File to write; - for stdout.")],
    fields: Annotated[
        str | None, typer.Option("--fields", help="person_id, post, role, approval, comma-separated; absent: all; empty: none.")
    ] = None,
) -> None:
    """The evidence bundle of an act, for `xinlian verify`."""
    data = session.client.call("GET", f"/api/v1/acts/{position}/bundle", query={"fields": fields}).body
    write_bytes(output, data)
    if output != "-":
        session.output.result({"file": output, "bytes": len(data)}, f"{output} written")
