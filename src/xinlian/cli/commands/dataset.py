"""``xinlian dataset``: the catalogue, templates, proposals, and checking files before they are handed in."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from xinlian.cli.approvals import approval_text
from xinlian.cli.client import Body, segment
from xinlian.cli.command import CREATING, OFFLINE, ONLINE, Session, command, group
from xinlian.cli.files import read_bytes, unreadable, write_bytes
from xinlian.cli.output import pairs, table
from xinlian.protocol.errors import InputError

if TYPE_CHECKING:
    from xinlian.node.files import CheckedFile, FileForm
    from xinlian.protocol.dataset import DatasetSchema, Field, Mode

app = group("Datasets of the catalogue.")
Dataset = Annotated[str, typer.Argument(help="Short code (GJJ-01) or catalogue code (<USCC>/000001).")]
Version = Annotated[int | None, typer.Option("--version", min=1, help="Default: the newest published one.")]
MAX_SCHEMA_BYTES = 1_000_000
_DECISIONS = ("publish", "return", "retire", "extend-update")
_MARKS = ("review-overdue", "update-overdue")
_ITEMS = ("name_en", "title", "sensitivity", "modes")
_COLUMNS = ("alias", "code", "version", "title", "owner", "share_type", "state", "field_count", "own")


@command(app, "list", ONLINE)
def list_datasets(session: Session) -> None:
    """Every catalogue entry that the node knows."""
    found = session.client.items("/api/v1/datasets")
    session.output.result({"items": found}, lambda: table(_COLUMNS, [[item.get(c) for c in _COLUMNS] for item in found]))


@command(app, "show", ONLINE)
def show(
    session: Session,
    dataset: Dataset,
    version: Version = None,
    schema: Annotated[str | None, typer.Option("--schema", metavar="FILE", help="Also save the schema file here.")] = None,
    items: Annotated[
        bool, typer.Option("--items", help="Also list its fields, views, modes and purposes: what a request names.")
    ] = False,
) -> None:
    """One catalogue entry."""
    path = f"/api/v1/datasets/{segment(dataset)}"
    entry = session.client.get(path, {"version": version})
    if schema is None and not items:
        session.output.result(entry, lambda: pairs(entry))
        return
    saved = session.client.call("GET", f"{path}/schema", query={"version": version}).body
    if schema is not None:
        write_bytes(schema, saved)
    if not items:
        session.output.result(entry, lambda: pairs(entry))
        return
    found = _items(saved)
    head = {**entry, **{name: value for name, value in found.items() if name != "items"}}
    rows = [list(one.values()) for one in found["items"]]
    session.output.result({**entry, **found}, lambda: f"{pairs(head)}\n\n{table(_ITEMS, rows)}")


@command(app, "template", ONLINE)
def template(
    session: Session,
    dataset: Annotated[str, typer.Argument(help="Short code or catalogue code; not needed with --schema.")] = "",
    output: Annotated[str, typer.Option("--output", "-o", metavar="FILE", help="XLSX file to write; - for stdout.")] = "",
    version: Version = None,
    schema: Annotated[Path | None, typer.Option("--schema", help="Make it from this schema file, without a node.")] = None,
) -> None:
    """The XLSX file that a clerk fills in: titles, drop-downs, text-format codes, an example row."""
    if not output:
        raise InputError("argument-missing", "say where to write: -o FILE.xlsx", expected="-o FILE.xlsx")
    if schema is not None:
        data = _template_of(schema)
    elif dataset:
        path = f"/api/v1/datasets/{segment(dataset)}/template"
        data = session.client.call("GET", path, query={"version": version}).body
    else:
        raise InputError("argument-missing", "name a dataset or give --schema FILE", expected="DATASET or --schema")
    write_bytes(output, data)
    if output != "-":
        session.output.result({"file": output, "bytes": len(data)}, f"{output} written")


def _template_of(file: Path) -> bytes:
    from xinlian.node.files.template import template as make_template

    return make_template(_load(file))


@command(app, "propose", CREATING)
def propose(session: Session, file: Annotated[str, typer.Argument(help="Schema file; - for standard input.")]) -> None:
    """Propose a dataset, or a new version of one: the head consents (`xinlian approval consent`), then the authority decides."""
    source = read_bytes(file, MAX_SCHEMA_BYTES)
    approval = session.client.once("/api/v1/datasets", Body(source, "application/schema+json")).json()
    session.output.result(approval, lambda: approval_text(approval))


@command(app, "decide", CREATING)
def decide(
    session: Session,
    dataset: Annotated[str, typer.Argument(metavar="DATASET", help="<USCC>/<6 digits>@<version>.")],
    decision: Annotated[str, typer.Argument(help="publish, return, retire or extend-update.")],
    reason: Annotated[str, typer.Option("--reason", help="Opinion or reason; for publish: 同意发布 without it.")] = "",
) -> None:
    """The authority's decision on an entry, proposed to its head (`xinlian approval consent`)."""
    if decision not in _DECISIONS:
        raise InputError("argument-form", f"the decision is one of {', '.join(_DECISIONS)}", expected=list(_DECISIONS))
    code, version = _split(dataset)
    said = {} if decision == "publish" and not reason else {"opinion" if decision == "publish" else "reason": reason}
    body = Body.json({"code": code, "version": version, **said})
    approval = session.client.once(f"/api/v1/authority/datasets/{decision}", body).json()
    session.output.result(approval, lambda: approval_text(approval))


@command(app, "update", CREATING)
def update(
    session: Session, dataset: Dataset, reason: Annotated[str, typer.Option("--reason", help="The law or duty that changed.")]
) -> None:
    """Open the update clock of an entry, proposed to the head: law or duty changed, 10 working days to bring it up to date."""
    approval = session.client.once(f"/api/v1/datasets/{segment(dataset)}/updates", Body.json({"reason": reason})).json()
    session.output.result(approval, lambda: approval_text(approval))


@command(app, "mark", CREATING)
def mark(
    session: Session,
    dataset: Dataset,
    what: Annotated[str, typer.Argument(metavar="MARK", help="review-overdue or update-overdue.")],
    version: Version = None,
) -> None:
    """Record on chain what the clock says: a review or an update is overdue. Nobody can before the deadline."""
    if what not in _MARKS:
        raise InputError("argument-form", f"the mark is one of {', '.join(_MARKS)}", expected=list(_MARKS))
    query = "" if version is None else f"?version={version}"
    done = session.client.once(f"/api/v1/datasets/{segment(dataset)}/marks/{what}{query}", Body.json({})).json()
    session.output.result(done, lambda: pairs(done))


def _split(dataset: str) -> tuple[str, int]:
    from xinlian.protocol.types import split_dataset_vct

    found = split_dataset_vct(dataset)
    if found is None:
        raise InputError("argument-form", "write the dataset as <USCC>/000001@1", expected="<USCC>/<6 digits>@<version>")
    code, _, version = dataset.partition("@")
    return code, int(version)


@command(app, "check", OFFLINE)
def check(
    session: Session,
    schema: Annotated[Path, typer.Argument(help="Schema file.")],
    rows: Annotated[Path | None, typer.Option("--rows", help="CSV, XLSX, NDJSON or JSON file to check against it.")] = None,
    format_: Annotated[
        str | None, typer.Option("--format", help="csv, xlsx, ndjson or json; default: by the file's name.")
    ] = None,
    encoding: Annotated[str | None, typer.Option("--encoding", help="utf-8 or gb18030, for CSV; default: found out.")] = None,
) -> None:
    """Check a schema file, and rows against it, with the same rules as publishing. Needs no node."""
    found = _load(schema)
    summary: dict[str, object] = {
        "alias": found.alias,
        "code": found.code,
        "version": found.version,
        "title": found.title,
        "schema_hash": "0x" + found.schema_hash.hex(),
        "field_count": len(found.fields),
        "view_count": len(found.views),
    }
    if rows is not None:
        summary["rows"] = _checked(rows, _form(rows, format_, encoding), found).row_count
    session.output.result(summary, lambda: pairs(summary))


def _items(schema: bytes) -> dict[str, Any]:
    """What a request can name: fields and views with what may be done with them, modes, purposes, conditions."""
    from xinlian.protocol.dataset import Mode, load_schema

    known = load_schema(schema)
    entry, offered = known.catalogue, known.catalogue.modes
    fields = [(one.name, one.title, one.sensitivity.value, _modes_of(one, offered)) for one in known.fields]
    told = [mode.value for mode in offered if mode is Mode.ANSWER]
    views = [(one.name, one.title, None, told) for one in known.views]
    return {
        "items": [dict(zip(_ITEMS, one, strict=True)) for one in (*fields, *views)],
        "offered": [mode.value for mode in offered],
        "allowed_purposes": list(entry.allowed_purposes),
        "use_conditions": entry.use_conditions,
    }


def _modes_of(field: Field, offered: Sequence[Mode]) -> list[str]:
    """The modes in which a field can be asked for; none for what only serves the lookup."""
    from xinlian.protocol.dataset import Mode

    if not field.is_grantable:
        return []
    possible = {Mode.QUERY, Mode.BATCH, *([Mode.VERIFY] if field.is_verifiable else [])}
    return [mode.value for mode in offered if mode in possible]


def _load(file: Path) -> DatasetSchema:
    from xinlian.protocol.dataset import load_schema

    return load_schema(read_bytes(str(file), MAX_SCHEMA_BYTES))


def _form(file: Path, format_: str | None, encoding: str | None) -> FileForm:
    from xinlian.node.files import FileForm, FileKind, kind_of_name

    if format_ is not None and format_ not in list(FileKind):
        raise InputError("file-format", "--format is csv, xlsx, ndjson or json", expected=[kind.value for kind in FileKind])
    return FileForm(FileKind(format_) if format_ is not None else kind_of_name(file.name), encoding)


def _checked(file: Path, form: FileForm, schema: DatasetSchema) -> CheckedFile:
    from dataclasses import asdict

    from xinlian.node.files import Limits, check_rows, read_rows, without_store
    from xinlian.protocol.dataset import compile_validator

    limits = Limits()
    try:
        with file.open("rb") as stream:
            rows = read_rows(stream, form, schema, limits)
            result = check_rows(rows, compile_validator(schema), limits, without_store(schema))
    except OSError as error:
        raise unreadable(str(file), error) from error
    if result.fault_count > 0:
        faults = [asdict(fault) for fault in result.faults]
        message = f"{result.fault_count} faults in {result.row_count} rows"
        raise InputError("rows-invalid", message, faults=faults, fault_count=result.fault_count)
    return result
