"""``xinlian user``: users of the node and their tokens."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from xinlian.cli.client import Body
from xinlian.cli.command import CREATING, ONLINE, Session, command, group
from xinlian.cli.files import write_secret
from xinlian.cli.output import pairs, table

app = group("Users of the node and their tokens.")
UserId = Annotated[int, typer.Argument(metavar="USER", help="Number of the user, see `xinlian user list`.")]
_COLUMNS = ("id", "person_id", "name", "post", "roles", "expires", "disabled")
_DAY_S = 86_400


@command(app, "add", CREATING)
def add(
    session: Session,
    person_id: Annotated[str, typer.Argument(help="Staff number, never an ID number.")],
    name: Annotated[str, typer.Option("--name")],
    post: Annotated[str, typer.Option("--post", help="岗位.")],
    role: Annotated[
        list[str], typer.Option("--role", help="operator, publisher, sharing, head, caseworker, auditor, authority; repeatable.")
    ],
    days: Annotated[int, typer.Option("--days", min=1, max=3660, help="Until when: days from now.")] = 365,
) -> None:
    """Add a user."""
    expires = int(time.time()) + days * _DAY_S
    body = {"person_id": person_id, "name": name, "post": post, "roles": role, "expires": expires}
    user = session.client.once("/api/v1/users", Body.json(body)).json()
    session.output.result(user, lambda: pairs(user))


@command(app, "list", ONLINE)
def list_users(session: Session) -> None:
    """All users, disabled ones included."""
    found = session.client.items("/api/v1/users")
    session.output.result({"items": found}, lambda: table(_COLUMNS, [[item.get(c) for c in _COLUMNS] for item in found]))


@command(app, "token", CREATING)
def token(
    session: Session,
    user: UserId,
    days: Annotated[int, typer.Option("--days", min=1, help="Life of the token.")] = 90,
    label: Annotated[str, typer.Option("--label", help="What it is for.")] = "",
    out: Annotated[Path | None, typer.Option("--out", help="New file of mode 0600 for the token, instead of stdout.")] = None,
) -> None:
    """Make a token for a user. This is the only time it can be seen."""
    made = session.client.once(f"/api/v1/users/{user}/tokens", Body.json({"days": days, "label": label})).json()["token"]
    if out is None:
        session.output.result({"token": made}, made)
        return
    write_secret(out, made)
    session.output.result({"token_file": str(out)}, f"token written to {out}")


@command(app, "disable", ONLINE)
def disable(session: Session, user: UserId) -> None:
    """Disable a user and all their tokens at once."""
    session.client.call("DELETE", f"/api/v1/users/{user}")
    session.output.result({"id": user, "disabled": True}, f"user {user} is disabled")


@command(app, "me", ONLINE)
def me(session: Session) -> None:
    """Who the token in use names."""
    user = session.client.get("/api/v1/me")
    session.output.result(user, lambda: pairs(user))
