"""``xinlian query``: this department's node reads from another's, verifies everything, and shows the sheet.

Subjects and values are personal data: they come from a file or standard input, never as arguments.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from xinlian.cli.client import Body, segment
from xinlian.cli.command import CREATING, ONLINE, Session, command, end_with, group
from xinlian.cli.exit_codes import Exit
from xinlian.cli.files import read_json, read_object, write_bytes
from xinlian.cli.output import cell, moment, pairs, table
from xinlian.protocol.errors import InputError

app = group("Use of another department's data.")
_LIST_COLUMNS = ("rid", "state", "provider", "dataset", "mode", "case", "created_at")
_SHEET_COLUMNS = ("item", "field", "value", "source", "mode", "receipt", "verdict")
_RECORD_COLUMNS = ("item", "record_id", "rev")
_EXITS = {"refused": Exit.REFUSED, "no-answer": Exit.UNREACHABLE, "not-proven": Exit.FAILED}
"""Exit code by the state of a query or the outcome of an item; every other one is 0."""


@command(app, "run", CREATING)
def run(
    session: Session,
    file: Annotated[
        str | None, typer.Argument(help="The query as a JSON object (document example query); - for stdin; or options.")
    ] = None,
    provider: Annotated[str | None, typer.Option("--provider", help="USCC.")] = None,
    grant: Annotated[int | None, typer.Option("--grant", min=1, help="Number of the provider's grant.")] = None,
    case: Annotated[str | None, typer.Option("--case", metavar="LEAD/CASE_NO", help="Left out for standing grants.")] = None,
    purpose: Annotated[str | None, typer.Option("--purpose", help="Purpose code.")] = None,
    mode: Annotated[str | None, typer.Option("--mode", help="verify, query or answer.")] = None,
    field: Annotated[list[str] | None, typer.Option("--field", help="Repeatable; modes verify and query.")] = None,
    view: Annotated[str | None, typer.Option("--view", help="Mode answer.")] = None,
    authorisation: Annotated[
        list[str] | None, typer.Option("--authorisation", metavar="ID", help="Own one to show; repeatable; default: chosen.")
    ] = None,
    items: Annotated[
        str, typer.Option("--items", metavar="FILE", help='JSON list of {"subjects", "values"}; - for stdin.')
    ] = "-",
) -> None:
    """Ask another department's node. Exit 11 when it refuses, 14 when it does not answer, 1 when evidence fails."""
    if file is not None:
        body: dict[str, Any] = read_object(file)
    else:
        body = _body({"provider": provider, "grant": grant, "purpose": purpose, "mode": mode}, case)
        body |= {"fields": field or [], "items": read_json(items)}
        if view is not None:
            body["view"] = view
        if authorisation:
            body["authorisations"] = authorisation
    answer = session.client.once("/api/v1/queries", Body.json(body)).json()
    session.output.result(answer, lambda: _sheet(answer, str(body.get("provider")), str(body.get("mode"))))
    end_with(exit_of_query(answer))


def _body(options: dict[str, object], case: str | None) -> dict[str, Any]:
    missing = [f"--{name}" for name, value in options.items() if value is None]
    if missing:
        raise InputError("argument-missing", f"a query needs {', '.join(missing)}, or a JSON file", expected=missing)
    if case is None:
        return {**options, "case": None}
    lead, slash, case_no = case.partition("/")
    if not slash or not lead or not case_no:
        raise InputError("argument-form", "--case is LEAD/CASE_NO", expected="LEAD/CASE_NO")
    return {**options, "case": {"lead": lead, "case_no": case_no}}


def exit_of_query(answer: Mapping[str, Any]) -> Exit:
    """The exit code of a query's answer: a refusal, then missing proof, then no answer weighs most."""
    seen = {answer.get("state"), *(item.get("outcome") for item in answer.get("items", []))}
    return next((code for state, code in _EXITS.items() if state in seen), Exit.OK)


def _sheet(answer: Mapping[str, Any], provider: str, mode: str) -> str:
    head = {"rid": answer.get("rid"), "state": answer.get("state")}
    if answer.get("detail") is not None:
        head["check"] = answer["detail"]
    view = answer.get("view")
    if isinstance(view, dict):
        time_s = view.get("block_time")
        head["view"] = f"block {view.get('block_number')}, {moment(time_s) if isinstance(time_s, int) else '-'}"
    rows = [row for number, item in enumerate(answer.get("items", []), 1) for row in _rows(number, item, provider, mode)]
    rows += [(one["item"] + 1, "-", "-", provider, mode, "-", one["code"]) for one in answer.get("ended") or []]
    records = [
        (number, record.get("record_id"), record.get("rev"))
        for number, item in enumerate(answer.get("items", []), 1)
        for record in item.get("records") or []
    ]
    named = "\n\n" + table(_RECORD_COLUMNS, records) if records else ""
    return pairs(head) + ("\n\n" + table(_SHEET_COLUMNS, rows) if rows else "") + named


def _rows(number: int, item: Mapping[str, Any], provider: str, mode: str) -> list[tuple[object, ...]]:
    records, answer = item.get("records") or [], item.get("answer")
    rows: list[tuple[object, ...]] = [
        (number, field, cell(value), provider, mode, _receipt(record), _verdict(record, field))
        for record in records
        for field, value in record.get("values", {}).items()
    ]
    if isinstance(answer, dict):
        rows.append((number, "(answer)", cell(answer.get("result")), provider, mode, _receipt(answer), _verdict(answer)))
    if not rows:
        rows.append((number, "-", item.get("outcome"), provider, mode, "-", item.get("check") or item.get("outcome")))
    return rows


def _verdict(shown: Mapping[str, Any], field: str | None = None) -> str:
    """The verdict on evidence, and whether the field's value (None: any) is disputed, or was corrected since."""
    marks = [str(shown.get("verdict"))]
    if any(field in (None, one.get("field")) for one in shown.get("in_correction") or []):
        marks.append("校核中")
    if any(field is None or field in one.get("fields", ()) for one in shown.get("corrected") or []):
        marks.append("已更正")
    return " ".join(marks)


def _receipt(shown: Mapping[str, Any]) -> str:
    receipt = shown.get("receipt")
    if not isinstance(receipt, dict):
        return "待上链 pending"
    return f"{receipt.get('stream')} {receipt.get('sequence')}/{receipt.get('index')} @{receipt.get('block_number')}"


@command(app, "list", ONLINE)
def list_queries(session: Session, limit: Annotated[int, typer.Option("--limit", min=1, help="How many at most.")] = 50) -> None:
    """Queries of this node, newest first, without values."""
    found = session.client.items("/api/v1/queries", limit=limit)
    columns = [name for name in _LIST_COLUMNS if any(name in item for item in found)] or list(_LIST_COLUMNS)
    session.output.result({"items": found}, lambda: table(columns, [[item.get(c) for c in columns] for item in found]))


@command(app, "show", ONLINE)
def show(
    session: Session,
    rid: Annotated[str, typer.Argument(help="Request id.")],
    bundles: Annotated[Path | None, typer.Option("--bundles", help="Also save every evidence bundle in this folder.")] = None,
) -> None:
    """One query; its values only for caseworkers."""
    found = session.client.get(f"/api/v1/queries/{segment(rid)}")
    if bundles is not None:
        _save_bundles(session, rid, bundles)
    session.output.result(found, lambda: _sheet(found, str(found.get("provider", "-")), str(found.get("mode", "-"))))


def _save_bundles(session: Session, rid: str, folder: Path) -> None:
    found = session.client.items(f"/api/v1/queries/{segment(rid)}/bundles")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError("file-unwritable", f"{folder}: {error.strerror}", file=str(folder)) from error
    for number, bundle in enumerate(found, 1):
        write_bytes(str(folder / f"{number:03d}.json"), json.dumps(bundle, ensure_ascii=False).encode())
    session.output.progress(f"{len(found)} bundles written to {folder}")
