"""``xinlian attachment``: files that belong to records."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from xinlian.cli.client import segment
from xinlian.cli.command import CREATING, ONLINE, Session, command, group
from xinlian.cli.output import pairs, table
from xinlian.cli.transfer import ALL, Upload, download, fetched, media_type_of

app = group("Files that belong to records.")
AttachmentId = Annotated[str, typer.Argument(metavar="ATTACHMENT", help="Its id.")]
_COLUMNS = ("id", "state", "media_type", "bytes", "scan", "origin", "used", "name")


@command(app, "put", CREATING)
def put(
    session: Session,
    file: Annotated[Path, typer.Argument(help="The file; its name becomes the attachment's.")],
    media_type: Annotated[str | None, typer.Option("--media-type", help="Default: by the file's suffix.")] = None,
) -> None:
    """Upload a file. Broken off, the same command goes on where it stopped."""
    upload = Upload(session.client, file, media_type if media_type is not None else media_type_of(file))
    shown = upload.run(session.output.progress)
    session.output.result(shown, lambda: pairs(shown))


@command(app, "list", ONLINE)
def list_attachments(
    session: Session, limit: Annotated[int, typer.Option("--limit", min=1, help="How many at most.")] = 50
) -> None:
    """Attachments of this node in the order of their beginning; names only for those who may see the content."""
    found = session.client.items(ALL, limit=limit)
    session.output.result({"items": found}, lambda: table(_COLUMNS, [[item.get(c) for c in _COLUMNS] for item in found]))


@command(app, "show", ONLINE)
def show(session: Session, attachment_id: AttachmentId) -> None:
    """One attachment without its content."""
    shown = session.client.get(f"{ALL}/{segment(attachment_id)}/state")
    session.output.result(shown, lambda: pairs(shown))


@command(app, "get", ONLINE)
def get(
    session: Session,
    attachment_id: AttachmentId,
    output: Annotated[Path, typer.Option("--output", "-o", help="New file for the content.")],
) -> None:
    """Download an attachment, and check its SHA-256. Broken off, the same command goes on where it stopped."""
    shown = download(session.client, segment(attachment_id), output, session.output.progress)
    session.output.result(shown, lambda: pairs(shown))


@command(app, "fetch", ONLINE)
def fetch(
    session: Session,
    rid: Annotated[str, typer.Argument(metavar="RID", help="Request id of the query that brought the record.")],
    record_id: Annotated[str, typer.Option("--record", help="The record that names the file.")],
    field: Annotated[str, typer.Option("--field", help="The file field.")],
    item: Annotated[int, typer.Option("--item", min=0, max=99, help="Place of the subject in the query, from 0.")] = 0,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Also save the content in this new file.")] = None,
) -> None:
    """Fetch a received record's file from the department that holds it; goes on by itself where it broke off."""
    wanted = {"item": item, "record_id": record_id, "field": field}
    shown = fetched(session.client, rid, wanted, session.output.progress)
    if output is not None:
        shown = download(session.client, shown["id"], output, session.output.progress)
    session.output.result(shown, lambda: pairs(shown))


@command(app, "delete", ONLINE)
def delete(session: Session, attachment_id: AttachmentId) -> None:
    """Cancel an upload, or delete an attachment that nothing uses."""
    session.client.call("DELETE", f"{ALL}/{segment(attachment_id)}")
    done = {"id": attachment_id, "state": "deleted"}
    session.output.result(done, lambda: pairs(done))
