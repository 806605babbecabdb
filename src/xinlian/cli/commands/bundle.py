"""``xinlian bundle``: fetch evidence bundles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import typer

from xinlian.cli.client import segment
from xinlian.cli.command import ONLINE, Session, command, group
from xinlian.cli.files import write_bytes

app = group("Evidence bundles.")
Out = Annotated[str, typer.Option("--output", "-o", metavar="FILE", help="File to write; - for stdout.")]


@command(app, "get", ONLINE)
def get(
    session: Session,
    record_id: Annotated[str, typer.Argument(metavar="RECORD", help="Record id.")],
    output: Out,
    fields: Annotated[str | None, typer.Option("--fields", help="Names, comma-separated; absent: all; empty: none.")] = None,
    signed: Annotated[bool, typer.Option("--signed", help="Add the signed form (needed while pending).")] = False,
    rev: Annotated[int | None, typer.Option("--rev", min=1, help="Default: the newest revision.")] = None,
) -> None:
    """The evidence bundle of a record with the fields chosen."""
    query = {"fields": fields, "signed": signed or None, "rev": rev}
    _save(session, f"/api/v1/records/{segment(record_id)}/bundle", query, output)


@command(app, "answer", ONLINE)
def answer(session: Session, position: Annotated[int, typer.Argument(min=1)], output: Out) -> None:
    """The evidence bundle of an answer statement that this department gave."""
    _save(session, f"/api/v1/answers/{position}/bundle", {}, output)


@command(app, "read", ONLINE)
def read(session: Session, position: Annotated[int, typer.Argument(min=1)], output: Out) -> None:
    """The evidence bundle of a read entry, clear parts only."""
    _save(session, f"/api/v1/reads/{position}/bundle", {}, output)


def _save(session: Session, path: str, query: Mapping[str, object], output: str) -> None:
    data = session.client.call("GET", path, query=query).body
    write_bytes(output, data)
    if output != "-":
        session.output.result({"file": output, "bytes": len(data)}, f"{output} written")
