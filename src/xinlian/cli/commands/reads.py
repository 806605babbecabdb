"""``xinlian reads``: who used which data, and whether both sides say the same."""

from __future__ import annotations

from typing import Annotated

import typer

from xinlian.cli.command import ONLINE, Session, command, end_with, group
from xinlian.cli.exit_codes import Exit
from xinlian.cli.output import cell, table

app = group("Read entries of this department.")
_COLUMNS = ("position", "time", "rid", "role", "counterparty", "grant", "case", "outcome")
_FINDINGS = ("missing_here", "missing_there", "differing", "repeated")


@command(app, "list", ONLINE)
def list_reads(
    session: Session,
    counterparty: Annotated[str | None, typer.Option("--with", help="Only those with this department (USCC).")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many at most.")] = 200,
) -> None:
    """Clear parts of the read entries, oldest first."""
    found = session.client.items("/api/v1/reads", {"counterparty": counterparty}, limit)
    session.output.result({"items": found}, lambda: table(_COLUMNS, [[item.get(c) for c in _COLUMNS] for item in found]))


@command(app, "reconcile", ONLINE)
def reconcile(
    session: Session,
    counterparty: Annotated[str, typer.Option("--with", help="USCC of the other department.")],
) -> None:
    """Compare this department's read log with another's, request by request; exit 1 when they differ."""
    found = session.client.post("/api/v1/reads/reconcile", {"counterparty": counterparty})
    session.output.result(found, lambda: _text(found))
    if any(found.get(name) for name in _FINDINGS):
        end_with(Exit.FAILED)


def _text(found: dict[str, object]) -> str:
    lines = [f"{name}: {cell(found[name]) if not isinstance(found[name], list) else len(_list(found[name]))}" for name in found]
    details = [f"{name}: {cell(entry)}" for name in _FINDINGS for entry in _list(found.get(name))]
    return "\n".join(lines + details)


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
