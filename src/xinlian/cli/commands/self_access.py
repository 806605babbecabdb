"""``xinlian self-access``: a person's own ledger, on the authority's node.

What the person came back with is personal: it comes from a file or standard input, never as an argument.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from xinlian.cli.client import Body
from xinlian.cli.command import ONLINE, Session, command, end_with, group
from xinlian.cli.exit_codes import Exit
from xinlian.cli.files import read_object
from xinlian.cli.output import pairs, table

app = group("A person's own ledger: who used which of the person's items.")
_COLUMNS = ("department", "time", "counterparty", "role", "items", "case", "outcome", "verdict")


@command(app, "login", ONLINE)
def login(session: Session) -> None:
    """Begin a person's login; the person goes to the address printed and comes back with a code."""
    begun = session.client.call("POST", "/api/v1/self-access/logins").json()
    session.output.result(begun, lambda: pairs(begun))


@command(app, "read", ONLINE)
def read(
    session: Session,
    file: Annotated[str, typer.Argument(help='JSON object {"login", "code"}; - for stdin.')] = "-",
) -> None:
    """Finish the login and print the ledger. Exit 14 when a department is missing from it."""
    found = session.client.call("POST", "/api/v1/self-access", Body.json(read_object(file))).json()
    session.output.result(found, lambda: _sheet(found))
    end_with(Exit.OK if found.get("complete") else Exit.UNREACHABLE)


def _sheet(found: Mapping[str, Any]) -> str:
    rows = [_row(part["department"], entry) for part in found["departments"] for entry in part["entries"]]
    missing = [f"{p['department']} {p['name']}: {p['code']}" for p in found["departments"] if p["state"] == "missing"]
    head = {"verified by": found["login"]["issuer"], "missing": "; ".join(missing) or "-"}
    return pairs(head) + "\n\n" + table(_COLUMNS, rows)


def _row(department: str, entry: Mapping[str, Any]) -> list[object]:
    case = entry.get("case") or {}
    items = entry.get("derived_view") or ", ".join(entry.get("fields") or []) or entry["kind"]
    outcome, verdict = entry["outcome"], entry["verdict"]
    return [department, entry["time"], entry["counterparty"], entry["role"], items, case.get("case_no"), outcome, verdict]
