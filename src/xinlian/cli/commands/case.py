"""``xinlian case``: cases that bind uses of data.

Subjects are personal data: they come from a file or standard input, never as arguments (a shell keeps those).
"""

from __future__ import annotations

from typing import Annotated

import typer

from xinlian.cli.client import Body, segment
from xinlian.cli.command import CREATING, ONLINE, Session, command, group
from xinlian.cli.files import read_json, read_object
from xinlian.cli.output import pairs, table

app = group("Cases; without an open case with the subject in it no data is given.")
CaseNo = Annotated[str, typer.Argument(metavar="CASE_NO", help="A-Z 0-9 _ -, at most 32 characters.")]
_COLUMNS = ("lead", "case_no", "opened_at", "closed_at", "outcome", "subject_count", "participants")


@command(app, "open", CREATING)
def open_case(
    session: Session,
    case_no: CaseNo,
    scenario: Annotated[str, typer.Option("--scenario", help="Scenario id, 0x and 64 hex.")],
    subjects: Annotated[str, typer.Option("--subjects", metavar="FILE", help='JSON list of {"kind", "value"}; - for stdin.')],
    participant: Annotated[list[str] | None, typer.Option("--participant", help="USCC; repeatable.")] = None,
) -> None:
    """Open a case led by this department. On the chain its subjects are only a salted root."""
    body = {"case_no": case_no, "scenario": scenario, "participants": participant or [], "subjects": read_json(subjects)}
    made = session.client.once("/api/v1/cases", Body.json(body)).json()
    session.output.result(made, lambda: pairs(made))


@command(app, "list", ONLINE)
def list_cases(session: Session) -> None:
    """Cases that this department leads or takes part in."""
    found = session.client.items("/api/v1/cases")
    session.output.result({"items": found}, lambda: table(_COLUMNS, [[item.get(c) for c in _COLUMNS] for item in found]))


@command(app, "show", ONLINE)
def show(session: Session, lead: Annotated[str, typer.Argument(help="USCC of the lead.")], case_no: CaseNo) -> None:
    """One case."""
    found = session.client.get(f"/api/v1/cases/{segment(lead)}/{segment(case_no)}")
    session.output.result(found, lambda: pairs(found))


@command(app, "add-subject", CREATING)
def add_subject(
    session: Session,
    case_no: CaseNo,
    file: Annotated[str, typer.Argument(help='JSON object {"kind", "value"}; - for stdin.')] = "-",
) -> None:
    """Add a subject to an open case of this department."""
    made = session.client.once(f"/api/v1/cases/{segment(case_no)}/subjects", Body.json(read_object(file))).json()
    session.output.result(made, lambda: pairs(made))


@command(app, "close", CREATING)
def close(
    session: Session,
    case_no: CaseNo,
    outcome: Annotated[
        int, typer.Option("--outcome", min=1, max=255, help="11 办结(通过), 12 容缺, 13 不通过, 14 撤回, 15 撤销.")
    ],
) -> None:
    """Close a case; case-bound grants no longer give anything for it."""
    made = session.client.once(f"/api/v1/cases/{segment(case_no)}/close", Body.json({"outcome": outcome})).json()
    session.output.result(made, lambda: pairs(made))
