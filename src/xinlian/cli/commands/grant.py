"""``xinlian grant``: who may use which fields of this department's datasets."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from xinlian.cli.client import Body, segment
from xinlian.cli.command import CREATING, ONLINE, Session, command, group
from xinlian.cli.files import read_object
from xinlian.cli.output import pairs, table
from xinlian.protocol.errors import InputError

app = group("Grants on this department's datasets, and those it received.")
Number = Annotated[int, typer.Argument(metavar="NUMBER", min=1, help="Number of an own grant.")]
_COLUMNS = ("provider", "number", "receiver", "code", "version", "state", "running")
_DAY_S = 86_400


@command(app, "give", CREATING)
def give(
    session: Session,
    file: Annotated[str | None, typer.Argument(help="Grant as a JSON object (docs/cli.md); - for stdin; or use options.")] = None,
    receiver: Annotated[str | None, typer.Option("--receiver", help="USCC.")] = None,
    dataset: Annotated[str | None, typer.Option("--dataset", help="Short code or catalogue code of an own dataset.")] = None,
    version: Annotated[int | None, typer.Option("--version", min=1)] = None,
    verify: Annotated[list[str] | None, typer.Option("--verify", help="Field for mode verify; repeatable.")] = None,
    query: Annotated[list[str] | None, typer.Option("--query", help="Field for mode query; repeatable.")] = None,
    answer: Annotated[list[str] | None, typer.Option("--answer", help="View for mode answer; repeatable.")] = None,
    purpose: Annotated[list[str] | None, typer.Option("--purpose", help="Purpose code; repeatable.")] = None,
    scenario: Annotated[list[str] | None, typer.Option("--scenario", help="Scenario id, 0x and 64 hex; repeatable.")] = None,
    valid_from: Annotated[int | None, typer.Option("--from", help="Epoch seconds; default: now.")] = None,
    valid_to: Annotated[int | None, typer.Option("--to", help="Epoch seconds; default: 365 days after --from.")] = None,
    uses: Annotated[int, typer.Option("--uses", min=1, help="Uses per case.")] = 20,
    standing: Annotated[bool, typer.Option("--standing", help="Use without a case.")] = False,
) -> None:
    """Give a grant; terms by options or by a file."""
    if file is not None:
        body: dict[str, object] = read_object(file)
    elif receiver is None or dataset is None or not purpose:
        raise InputError("argument-missing", "a grant needs --receiver, --dataset and --purpose", expected="or a JSON file")
    else:
        start = valid_from if valid_from is not None else int(time.time())
        modes = {"verify": verify or [], "query": query or [], "answer": answer or []}
        body = {"receiver": receiver, "dataset": dataset, **modes, "purposes": purpose, "scenarios": scenario or []}
        body |= {"valid_from": start, "valid_to": valid_to if valid_to is not None else start + 365 * _DAY_S}
        body |= {"uses_per_case": uses, "standing": standing}
        if version is not None:
            body["version"] = version
    made = session.client.once("/api/v1/grants", Body.json(body)).json()
    session.output.result(made, lambda: _text(made))


@command(app, "list", ONLINE)
def list_grants(
    session: Session,
    direction: Annotated[str | None, typer.Option("--direction", help="given or received; default: both.")] = None,
) -> None:
    """Grants that this department gave or received."""
    if direction not in (None, "given", "received"):
        raise InputError("argument-form", "--direction is given or received", expected=["given", "received"])
    found = session.client.items("/api/v1/grants", {"direction": direction})
    session.output.result({"items": found}, lambda: table(_COLUMNS, [[item.get(c) for c in _COLUMNS] for item in found]))


@command(app, "show", ONLINE)
def show(session: Session, provider: Annotated[str, typer.Argument(help="USCC.")], number: Number) -> None:
    """One grant with its terms."""
    found = session.client.get(f"/api/v1/grants/{segment(provider)}/{number}")
    session.output.result(found, lambda: _text(found))


@command(app, "narrow", CREATING)
def narrow(
    session: Session,
    number: Number,
    file: Annotated[str, typer.Argument(help="The new terms as a JSON object; - for stdin. No term may become wider.")],
) -> None:
    """Narrow a grant's terms."""
    made = session.client.once(f"/api/v1/grants/{number}/narrow", Body.json(read_object(file))).json()
    session.output.result(made, lambda: _text(made))


@command(app, "revoke", CREATING)
def revoke(
    session: Session,
    number: Number,
    reason: Annotated[int, typer.Option("--reason", min=0, max=255, help="Registered reason code.")],
) -> None:
    """Revoke a grant for good."""
    made = session.client.once(f"/api/v1/grants/{number}/revoke", Body.json({"reason": reason})).json()
    session.output.result(made, lambda: _text(made))


def _text(grant: dict[str, object]) -> str:
    terms = grant.get("terms")
    head = {name: value for name, value in grant.items() if name != "terms"}
    return pairs({**head, **(terms if isinstance(terms, dict) else {})})
