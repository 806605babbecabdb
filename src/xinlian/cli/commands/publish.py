"""``xinlian publish``: rows of a file, or one row from standard input, into a dataset."""

from __future__ import annotations

from pathlib import Path, PurePath
from typing import Annotated
from urllib.parse import quote

import typer

from xinlian.cli.client import Body, Reply, segment
from xinlian.cli.command import CREATING, Session, command, single
from xinlian.cli.files import read_bytes, unreadable
from xinlian.cli.output import pairs
from xinlian.protocol.errors import InputError

app = single()
MAX_STDIN_BYTES = 100_000_000
MEDIA_TYPES = {
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "ndjson": "application/x-ndjson",
    "json": "application/json",
}
"""Media type of each ``--format``."""
_SUFFIXES = {".csv": "csv", ".txt": "csv", ".xlsx": "xlsx", ".ndjson": "ndjson", ".jsonl": "ndjson", ".json": "json"}
Wait = Annotated[int | None, typer.Option("--wait", min=1, max=60, help="Wait up to this many seconds until it is anchored.")]


@command(app, "publish", CREATING)
def publish(
    session: Session,
    file: Annotated[str, typer.Argument(help="CSV, XLSX, NDJSON or JSON file; - for one JSON row or an array on stdin.")],
    dataset: Annotated[str, typer.Option("--dataset", help="Short code or catalogue code.")],
    format_: Annotated[
        str | None, typer.Option("--format", help="csv, xlsx, ndjson or json; default: by the file's name.")
    ] = None,
    encoding: Annotated[str | None, typer.Option("--encoding", help="utf-8 or gb18030, for CSV; default: found out.")] = None,
    wait: Wait = None,
) -> None:
    """Publish rows. A file is taken as a whole: one row at fault and nothing is published."""
    records = f"/api/v1/datasets/{segment(dataset)}"
    headers = preferring(wait)
    if file == "-":
        body, route = _from_stdin(format_, headers)
        reply = session.client.once(f"{records}/{route}", body)
    else:
        reply = _import(session, f"{records}/imports", Path(file), media_type(file, format_, encoding), headers)
    answer = reply.json()
    if session.key is not None and reply.headers.get("idempotency-replayed") == "true":
        answer["replayed"] = True
        session.output.progress("this key was used before: the first answer is shown again")
    session.output.result(answer, lambda: pairs(_brief(answer)))


def preferring(wait_s: int | None) -> dict[str, str]:
    """The header that says how long to wait for the anchor."""
    return {} if wait_s is None else {"Prefer": f"wait={wait_s}"}


def media_type(name: str, format_: str | None, encoding: str | None) -> str:
    """The media type of a file by ``--format`` or its name.

    Raises:
        InputError: ``file-format``.
    """
    kind = format_ if format_ is not None else _SUFFIXES.get(PurePath(name).suffix.lower())
    if kind not in MEDIA_TYPES:
        raise InputError("file-format", "name one of --format csv, xlsx, ndjson, json", expected=list(MEDIA_TYPES))
    if encoding is not None and kind == "csv":
        return f"text/csv; charset={encoding}"
    return MEDIA_TYPES[kind]


def _from_stdin(format_: str | None, headers: dict[str, str]) -> tuple[Body, str]:
    data = read_bytes("-", MAX_STDIN_BYTES)
    if format_ == "ndjson":
        return Body(data, MEDIA_TYPES["ndjson"], headers), "records/bulk"
    if format_ not in (None, "json"):
        raise InputError("file-format", "standard input takes json or ndjson", expected=["json", "ndjson"])
    is_array = data.lstrip()[:1] == b"["
    return Body(data, MEDIA_TYPES["json"], headers), "records/bulk" if is_array else "records"


def _import(session: Session, path: str, file: Path, media: str, headers: dict[str, str]) -> Reply:
    headers = {**headers, "X-File-Name": quote(file.name)}
    try:
        with file.open("rb") as stream:
            return session.client.once(path, Body(stream, media, headers))
    except OSError as error:
        raise unreadable(str(file), error) from error


def _brief(answer: dict[str, object]) -> dict[str, object]:
    ids = answer.get("record_ids")
    if isinstance(ids, list) and len(ids) > 3:
        return {**answer, "record_ids": f"{len(ids)} ids, see --json"}
    return answer
