"""``xinlian approval``: what one person proposed and another consents to or sends back."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from xinlian.cli.approvals import approval_text
from xinlian.cli.client import Body
from xinlian.cli.command import CREATING, ONLINE, Session, command, end_with, group
from xinlian.cli.exit_codes import Exit
from xinlian.cli.files import read_object, read_text, write_bytes
from xinlian.cli.output import table

app = group("Steps that bind the department: proposed by one person, consented to by another.")
Number = Annotated[int, typer.Argument(metavar="NUMBER", min=1, help="Number of the approval.")]
MAX_REASON_BYTES = 8_000
_COLUMNS = ("id", "kind", "object", "state", "round", "code")


@command(app, "list", ONLINE)
def list_approvals(
    session: Session,
    state: Annotated[
        str | None, typer.Option("--state", help="pending, returned, withdrawn, consented, executing, done or failed.")
    ] = None,
    kind: Annotated[str | None, typer.Option("--kind", help="Such as dataset-propose.")] = None,
    object_: Annotated[str | None, typer.Option("--object", help="Such as 'dataset <USCC>/000001@1'.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many at most.")] = 200,
) -> None:
    """Approvals by rising number."""
    query = {"state": state, "kind": kind, "object": object_}
    found = session.client.items("/api/v1/approvals", query, limit)
    session.output.result({"items": found}, lambda: table(_COLUMNS, [[item.get(c) for c in _COLUMNS] for item in found]))


@command(app, "show", ONLINE)
def show(
    session: Session,
    number: Number,
    payload: Annotated[str | None, typer.Option("--payload", metavar="FILE", help="Also save what was proposed here.")] = None,
) -> None:
    """One approval with its steps."""
    found = session.client.get(f"/api/v1/approvals/{number}")
    if payload is not None:
        write_bytes(payload, (json.dumps(found.get("payload"), ensure_ascii=False, indent=2) + "\n").encode())
    session.output.result(found, lambda: approval_text(found))


@command(app, "propose", CREATING)
def propose(
    session: Session,
    kind: Annotated[str, typer.Argument(metavar="KIND", help="Such as dataset-propose.")],
    object_: Annotated[str, typer.Option("--object", help="Such as 'dataset <USCC>/000001@1'.")],
    file: Annotated[str, typer.Argument(help="The kind's members as a JSON object; - for standard input.")] = "-",
) -> None:
    """Propose a step; a returned proposal for the same object is replaced."""
    body = {"kind": kind, "object": object_, "payload": read_object(file)}
    made = session.client.once("/api/v1/approvals", Body.json(body)).json()
    session.output.result(made, lambda: approval_text(made))


@command(app, "consent", CREATING)
def consent(
    session: Session,
    number: Number,
    proposal: Annotated[
        str | None, typer.Option("--proposal", help="Digest of the proposal as it was read; another one is refused.")
    ] = None,
) -> None:
    """Consent as another person than who proposed it; the node carries it out and says how it ended (exit 1: failed)."""
    body = {} if proposal is None else {"proposal": proposal}
    done = session.client.once(f"/api/v1/approvals/{number}/consent", Body.json(body)).json()
    session.output.result(done, lambda: approval_text(done))
    if done.get("state") == "failed":
        end_with(Exit.FAILED)


@command(app, "send-back", CREATING)
def send_back(
    session: Session,
    number: Number,
    file: Annotated[str, typer.Argument(help="Text file that says what has to be changed; - for standard input.")] = "-",
) -> None:
    """Send a proposal back with a reason; it may be proposed again."""
    reason = read_text(file, MAX_REASON_BYTES).strip()
    done = session.client.once(f"/api/v1/approvals/{number}/send-back", Body.json({"reason": reason})).json()
    session.output.result(done, lambda: approval_text(done))


@command(app, "withdraw", CREATING)
def withdraw(session: Session, number: Number) -> None:
    """Take back what you proposed yourself."""
    done = session.client.once(f"/api/v1/approvals/{number}/withdraw", Body.json({})).json()
    session.output.result(done, lambda: approval_text(done))
