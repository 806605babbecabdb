"""``xinlian finding``: breaches of Decree 809 art. 39-41 that rules found, with their evidence."""

from __future__ import annotations

from typing import Annotated

import typer

from xinlian.cli.client import segment
from xinlian.cli.command import ONLINE, Session, command, group
from xinlian.cli.output import pairs, table

app = group("Breaches of Decree 809 art. 39-41 that rules found, with their evidence.")
_COLUMNS = ("id", "article", "breach", "department", "object", "since", "noticed_at", "standing", "origin")
_EVIDENCE = ("kind", "contract", "event", "block", "tx_hash", "log_index", "department", "position", "at")


@command(app, "list", ONLINE)
def list_findings(
    session: Session,
    article: Annotated[str | None, typer.Option("--article", help="Such as '39(4)'.")] = None,
    department: Annotated[str | None, typer.Option("--department", help="USCC whose breach it is.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many at most.")] = 200,
) -> None:
    """Findings in the order in which they were noticed."""
    found = session.client.items("/api/v1/findings", {"article": article, "department": department}, limit)
    session.output.result({"items": found}, lambda: table(_COLUMNS, [[item.get(c) for c in _COLUMNS] for item in found]))


@command(app, "show", ONLINE)
def show(session: Session, finding: Annotated[str, typer.Argument(metavar="ID", help="Of the finding.")]) -> None:
    """One finding with its evidence."""
    found = session.client.get(f"/api/v1/findings/{segment(finding)}")
    session.output.result(found, lambda: _text(found))


def _text(found: dict[str, object]) -> str:
    facts, evidence = found.get("facts"), found.get("evidence")
    head = {name: value for name, value in found.items() if name not in ("facts", "evidence")}
    lines = pairs({**head, **(facts if isinstance(facts, dict) else {})})
    rows = [[one.get(name) for name in _EVIDENCE] for one in evidence] if isinstance(evidence, list) else []
    return f"{lines}\n\n{table(_EVIDENCE, rows)}"
