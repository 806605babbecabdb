"""``xinlian authorisation``: what persons signed, and what they withdraw.

Forms and secrets are personal: they come from a file or standard input, never as arguments.
"""

from __future__ import annotations

from typing import Annotated

import typer

from xinlian.cli.client import Body, segment
from xinlian.cli.command import CREATING, ONLINE, Session, command, group
from xinlian.cli.files import read_object
from xinlian.cli.output import pairs, table

app = group("Authorisations of data subjects.")
ALL = "/api/v1/authorisations"
Recorder = Annotated[str, typer.Argument(metavar="RECORDER", help="USCC of the department that recorded it.")]
AuthorisationId = Annotated[str, typer.Argument(metavar="ID", help="Random id, 64 hex, as on chain.")]
_COLUMNS = ("id", "state", "catalog_code", "case", "recorded_at", "expires_at", "withdrawn_at")


@command(app, "record", CREATING)
def record(
    session: Session,
    file: Annotated[
        str, typer.Argument(help="The signed form as a JSON object (document example authorisation); - for stdin.")
    ] = "-",
) -> None:
    """Record what a person signed; prints the secret for the person's slip."""
    made = session.client.once(ALL, Body.json({"form": read_object(file)})).json()
    session.output.result(made, lambda: pairs(made))


@command(app, "list", ONLINE)
def list_authorisations(
    session: Session, limit: Annotated[int, typer.Option("--limit", min=1, help="How many at most.")] = 200
) -> None:
    """Authorisations that this department recorded, oldest first, without the persons."""
    found = session.client.items(ALL, None, limit)
    session.output.result({"items": found}, lambda: table(_COLUMNS, [[item.get(c) for c in _COLUMNS] for item in found]))


@command(app, "show", ONLINE)
def show(session: Session, recorder: Recorder, authorisation: AuthorisationId) -> None:
    """One authorisation with the requests that showed it; its form only for caseworkers of its recorder."""
    found = session.client.get(f"{ALL}/{segment(recorder)}/{segment(authorisation)}")
    session.output.result(found, lambda: pairs(found))


@command(app, "withdraw", CREATING)
def withdraw(session: Session, recorder: Recorder, authorisation: AuthorisationId) -> None:
    """Withdraw an authorisation that this department recorded, on the person's word."""
    done = session.client.once(f"{ALL}/{segment(recorder)}/{segment(authorisation)}/withdraw", Body.json({})).json()
    session.output.result(done, lambda: pairs(done))


@command(app, "hand-in", CREATING)
def hand_in(
    session: Session,
    file: Annotated[str, typer.Argument(help='The slip as a JSON object {"recorder", "id", "secret"}; - for stdin.')] = "-",
) -> None:
    """Hand in a withdrawal, whoever recorded it: this node honours it at once and relays it to the chain."""
    done = session.client.once(f"{ALL}/withdrawals", Body.json(read_object(file))).json()
    session.output.result(done, lambda: pairs(done))
