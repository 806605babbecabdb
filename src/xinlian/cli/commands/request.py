"""``xinlian request``: sharing requests (政务数据共享申请) and every step of their life."""

from __future__ import annotations

from typing import Annotated

import typer

from xinlian.cli.approvals import approval_text
from xinlian.cli.client import Body, segment
from xinlian.cli.command import CREATING, ONLINE, Session, command, group
from xinlian.cli.files import read_object
from xinlian.cli.output import pairs, table
from xinlian.protocol.errors import InputError

app = group("Sharing requests: file, answer, deliver, suspend, change, end.")
Requester = Annotated[str, typer.Argument(metavar="REQUESTER", help="USCC of the department that asks.")]
Number = Annotated[str, typer.Argument(metavar="REQUEST_NO", help="申请编号, GX and 14 digits (or the digits alone).")]
_COLUMNS = ("request_no", "requester", "provider", "alias", "state", "out_of_scope", "grant")
_DIRECTIONS = ("made", "received", "own", "all")
_MARKS = ("overdue", "withdrawn", "expired")
_STEPS = (
    "Requester: withdraw, resubmit, dispute, report-rectification, accept-change, close, dispose. Provider: ask-supplement, "
    "flag-scope, ask-extension, extend, agree, refuse, deliver, propose-change, propose-stop, keep-terms. Provider or authority: "
    "suspend, resume, terminate. Authority: review-scope, consent-extension, settle-dispute, file-closing."
)


@command(app, "new", CREATING)
def new(
    session: Session,
    file: Annotated[
        str, typer.Argument(help="provider, dataset, version and form as a JSON object (document example request); - for stdin.")
    ],
) -> None:
    """Propose a request to the department's head, who files it by consenting."""
    made = session.client.once("/api/v1/requests", Body.json(read_object(file))).json()
    session.output.result(made, lambda: approval_text(made))


@command(app, "list", ONLINE)
def list_requests(
    session: Session,
    direction: Annotated[str, typer.Option("--direction", help="made, received, own or all.")] = "own",
) -> None:
    """Requests by requester and number."""
    if direction not in _DIRECTIONS:
        raise InputError("argument-form", f"--direction is one of {', '.join(_DIRECTIONS)}", expected=list(_DIRECTIONS))
    found = session.client.items("/api/v1/requests", {"direction": direction})
    session.output.result({"items": found}, lambda: table(_COLUMNS, [[item.get(c) for c in _COLUMNS] for item in found]))


@command(app, "show", ONLINE)
def show(session: Session, requester: Requester, number: Number) -> None:
    """One request with its clock and what happened to it."""
    found = session.client.get(_path(requester, number))
    session.output.result(found, lambda: _text(found))


@command(app, "step", CREATING)
def step(
    session: Session,
    name: Annotated[str, typer.Argument(metavar="STEP", help=_STEPS)],
    requester: Requester,
    number: Number,
    file: Annotated[
        str | None, typer.Argument(help="The step's form as a JSON object (document example STEP); - for standard input.")
    ] = None,
    cover: Annotated[
        str | None,
        typer.Option("--cover", help="agree, for a receiver that is no department: consent or authorisation (art. 25)."),
    ] = None,
    change: Annotated[
        str | None,
        typer.Option(
            "--change", metavar="FILE", help="propose-change: the new terms as a JSON object (document example change)."
        ),
    ] = None,
) -> None:
    """Propose a step to the department's head, who takes it by consenting."""
    body: dict[str, object] = {"form": {} if file is None else read_object(file)}
    if cover is not None:
        body["cover"] = cover
    if change is not None:
        body["change"] = read_object(change)
    made = session.client.once(f"{_path(requester, number)}/steps/{segment(name)}", Body.json(body)).json()
    session.output.result(made, lambda: approval_text(made))


@command(app, "mark", CREATING)
def mark(
    session: Session,
    name: Annotated[str, typer.Argument(metavar="MARK", help="overdue, withdrawn or expired.")],
    requester: Requester,
    number: Number,
) -> None:
    """Record on chain what the clock says; refused before its time."""
    if name not in _MARKS:
        raise InputError("argument-form", f"MARK is one of {', '.join(_MARKS)}", expected=list(_MARKS))
    done = session.client.once(f"{_path(requester, number)}/marks/{name}", Body.json({})).json()
    session.output.result(done, lambda: _text(done))


def _path(requester: str, number: str) -> str:
    digits = number.removeprefix("GX")
    if not digits.isdecimal():
        raise InputError("argument-form", "REQUEST_NO is GX and 14 digits", expected="GX20260924000001")
    return f"/api/v1/requests/{segment(requester)}/{int(digits)}"


def _text(request: dict[str, object]) -> str:
    terms, clock = request.get("terms"), request.get("clock")
    head = {name: value for name, value in request.items() if name not in ("terms", "clock", "steps")}
    lines = pairs({**head, **(terms if isinstance(terms, dict) else {}), **(clock if isinstance(clock, dict) else {})})
    steps = request.get("steps")
    rows = [[one.get("at"), one.get("event"), one.get("document")] for one in steps] if isinstance(steps, list) else []
    return f"{lines}\n\n{table(('at', 'event', 'document'), rows)}"
