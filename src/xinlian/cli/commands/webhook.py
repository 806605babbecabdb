"""``xinlian webhook``: tell the department's own systems what happens."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from xinlian.cli.client import Body
from xinlian.cli.command import CREATING, ONLINE, Session, command, group
from xinlian.cli.files import read_text, write_secret
from xinlian.cli.output import pairs, table
from xinlian.protocol.errors import InputError

app = group("Webhooks: signed, retried, parked (docs/webhooks.md).")
Hook = Annotated[int, typer.Argument(metavar="WEBHOOK", min=1, help="Number of the webhook.")]
SecretFile = Annotated[
    Path | None, typer.Option("--secret-file", help="File whose first line is the secret (whsec_…). It is never an argument.")
]
NewSecret = Annotated[
    Path | None, typer.Option("--new-secret", metavar="FILE", help="Make a secret and write it to this new file of mode 0600.")
]
_COLUMNS = ("id", "host", "events", "secrets", "created_at")
_DELIVERIES = ("id", "created_at", "event", "state", "attempts", "code", "message_id")
_SECRET_BYTES = 32
_MAX_FILE_BYTES = 10_000


@command(app, "add", CREATING)
def add(
    session: Session,
    url_file: Annotated[str, typer.Argument(metavar="FILE", help="File whose first line is the address; - for standard input.")],
    event: Annotated[list[str], typer.Option("--event", help="Event type, such as approval.proposed; repeatable.")],
    secret_file: SecretFile = None,
    new_secret: NewSecret = None,
) -> None:
    """Register a webhook. Its address may hold a token, so it is read from a file."""
    url = _first_line(url_file)
    body = {"url": url, "secret": _secret(secret_file, new_secret), "events": event}
    made = session.client.once("/api/v1/webhooks", Body.json(body)).json()
    session.output.result(made, lambda: pairs(made))


@command(app, "list", ONLINE)
def list_webhooks(session: Session) -> None:
    """Webhooks in use; of an address only its host."""
    found = session.client.items("/api/v1/webhooks")
    session.output.result({"items": found}, lambda: table(_COLUMNS, [[item.get(c) for c in _COLUMNS] for item in found]))


@command(app, "secret", CREATING)
def secret(
    session: Session,
    webhook: Hook,
    secret_file: SecretFile = None,
    new_secret: NewSecret = None,
    keep_file: Annotated[
        Path | None, typer.Option("--also-sign-with", help="File with the old secret, while the receiver changes over.")
    ] = None,
) -> None:
    """Give a webhook another secret; with the old one beside it, both sign."""
    secrets = [_secret(secret_file, new_secret)]
    if keep_file is not None:
        secrets.append(_first_line(str(keep_file)))
    made = session.client.once(f"/api/v1/webhooks/{webhook}/secrets", Body.json({"secrets": secrets})).json()
    session.output.result(made, lambda: pairs(made))


@command(app, "test", CREATING)
def test(session: Session, webhook: Hook) -> None:
    """Send the event webhook.test."""
    made = session.client.once(f"/api/v1/webhooks/{webhook}/test", Body.json({})).json()
    session.output.result(made, lambda: pairs(made))


@command(app, "deliveries", ONLINE)
def deliveries(
    session: Session,
    webhook: Hook,
    state: Annotated[str | None, typer.Option("--state", help="queued, delivered or parked.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many at most.")] = 200,
) -> None:
    """Deliveries of a webhook, oldest first."""
    found = session.client.items(f"/api/v1/webhooks/{webhook}/deliveries", {"state": state}, limit)
    session.output.result({"items": found}, lambda: table(_DELIVERIES, [[item.get(c) for c in _DELIVERIES] for item in found]))


@command(app, "replay", CREATING)
def replay(session: Session, delivery: Annotated[int, typer.Argument(metavar="DELIVERY", min=1)]) -> None:
    """Send a parked delivery again."""
    made = session.client.once(f"/api/v1/webhooks/deliveries/{delivery}/replay", Body.json({})).json()
    session.output.result(made, lambda: pairs(made))


@command(app, "remove", ONLINE)
def remove(session: Session, webhook: Hook) -> None:
    """Take a webhook out of use."""
    session.client.call("DELETE", f"/api/v1/webhooks/{webhook}")
    session.output.result({"id": webhook, "removed": True}, f"webhook {webhook} is removed")


def _secret(file: Path | None, new: Path | None) -> str:
    if file is not None and new is None:
        return _first_line(str(file))
    if file is not None or new is None:
        raise InputError("argument-missing", "give either --secret-file or --new-secret", expected="--secret-file FILE")
    import secrets

    from xinlian.protocol.webhooks import secret_text

    made = secret_text(secrets.token_bytes(_SECRET_BYTES))
    write_secret(new, made)
    return made


def _first_line(file: str) -> str:
    lines = read_text(file, _MAX_FILE_BYTES).splitlines()
    return lines[0].strip() if lines else ""
