"""Webhooks of this node and their outbox: one row per event and hook, committed with the event.

Rules
1. Address and secrets are encrypted; the body of a delivery holds ids and codes only (``node.webhooks.events``).
2. A delivery is ``queued`` until it is ``delivered`` or, after the last attempt in vain, ``parked``; a person queues it again.
3. A removed hook keeps its rows, gets no new ones, and nothing of it is sent any more.
"""

# ruff: noqa: S608 - SQL is put together from column lists of this package; values always go through "?"
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import orjson

from xinlian.protocol.errors import ConflictError, NotFoundError
from xinlian.store.sealing import Sealer
from xinlian.store.writer import Reader, Row, Transaction

_HOOK = "id, url_sealed, secret_sealed, events, created_by, created_at, removed_at"
_DELIVERY = "id, hook_id, message_id, event, body, state, attempts, next_at, code, created_at"


class DeliveryState(StrEnum):
    """Where a delivery stands."""

    QUEUED = "queued"
    DELIVERED = "delivered"
    PARKED = "parked"


@dataclass(frozen=True, slots=True)
class Hook:
    """One webhook.

    Args:
        id: row id; 0 until stored.
        url: where to; encrypted at rest, because it may hold a token.
        secrets: one, or two while one replaces the other; encrypted at rest.
        events: types it gets.
        created_by: ``users.id``.
        created_at: wall clock, epoch seconds.
        removed_at: wall clock, epoch seconds; None while it is in use.
    """

    id: int
    url: str = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)
    events: tuple[str, ...]
    created_by: int
    created_at: int
    removed_at: int | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event for one hook.

    Args:
        id: row id.
        hook_id: for whom.
        message_id: of the event, the same for every attempt and hook.
        event: its type.
        body: exact bytes that are signed and sent.
        state: where it stands.
        attempts: made so far since it was queued.
        next_at: wall clock of the next attempt, epoch seconds.
        code: error code of the last attempt, None before.
        created_at: wall clock, epoch seconds.
    """

    id: int
    hook_id: int
    message_id: str
    event: str
    body: bytes
    state: DeliveryState
    attempts: int
    next_at: int
    code: str | None
    created_at: int


# -- hooks ----------------------------------------------------------------------------------------------


def insert(tx: Transaction, sealer: Sealer, hook: Hook) -> Hook:
    """Store a hook; its ``id`` is ignored.

    Returns:
        The same with its id.
    """
    (last,) = tx.fetch("SELECT coalesce(max(id), 0) FROM webhooks")[0]
    number = int(last) + 1
    tx.run(
        f"INSERT INTO webhooks ({_HOOK}) VALUES (?, ?, ?, ?, ?, ?, NULL)",
        (
            number,
            sealer.seal(_place("url", number), hook.url.encode()),
            sealer.seal(_place("secret", number), orjson.dumps(hook.secrets)),
            " ".join(hook.events),
            hook.created_by,
            hook.created_at,
        ),
    )
    return by_id(tx, sealer, number)


def set_secrets(tx: Transaction, sealer: Sealer, hook_id: int, secrets: Sequence[str]) -> None:
    """Replace a hook's secrets."""
    sealed = sealer.seal(_place("secret", hook_id), orjson.dumps(list(secrets)))
    tx.run("UPDATE webhooks SET secret_sealed = ? WHERE id = ?", (sealed, hook_id))


def remove(tx: Transaction, hook_id: int, now_s: int) -> None:
    """Take a hook out of use."""
    tx.run("UPDATE webhooks SET removed_at = ? WHERE id = ? AND removed_at IS NULL", (now_s, hook_id))


def by_id(reader: Reader, sealer: Sealer, hook_id: int) -> Hook:
    """One hook in use.

    Raises:
        NotFoundError: ``webhook-unknown``, for removed ones too.
    """
    rows = reader.fetch(f"SELECT {_HOOK} FROM webhooks WHERE id = ? AND removed_at IS NULL", (hook_id,))
    if not rows:
        raise NotFoundError("webhook-unknown", f"there is no webhook {hook_id}", webhook=hook_id)
    return _hook(rows[0], sealer)


def page(reader: Reader, sealer: Sealer, after: int, limit: int) -> list[Hook]:
    """Hooks in use, by rising id."""
    sql = f"SELECT {_HOOK} FROM webhooks WHERE id > ? AND removed_at IS NULL ORDER BY id LIMIT ?"
    return [_hook(row, sealer) for row in reader.fetch(sql, (after, limit))]


def subscribed(reader: Reader, event: str) -> list[int]:
    """Ids of the hooks in use that get an event type."""
    rows = reader.fetch("SELECT id, events FROM webhooks WHERE removed_at IS NULL ORDER BY id")
    return [hook_id for hook_id, events in rows if event in events.split()]


# -- deliveries -----------------------------------------------------------------------------------------


def queue(tx: Transaction, hook_ids: Sequence[int], message_id: str, event: str, body: bytes, now_s: int) -> None:  # noqa: PLR0913, PLR0917 - the row itself
    """Put an event into the outbox of some hooks, to be sent at once."""
    tx.executemany(
        "INSERT INTO webhook_deliveries (hook_id, message_id, event, body, state, attempts, next_at, code, created_at) "
        "VALUES (?, ?, ?, ?, ?, 0, ?, NULL, ?)",
        [(hook_id, message_id, event, body, DeliveryState.QUEUED, now_s, now_s) for hook_id in hook_ids],
    )


def due(reader: Reader, now_s: int, limit: int) -> list[Delivery]:
    """Deliveries whose time has come, of hooks in use, the longest waiting first."""
    columns = ", ".join(f"d.{name}" for name in _DELIVERY.split(", "))
    sql = (
        f"SELECT {columns} FROM webhook_deliveries d JOIN webhooks w ON w.id = d.hook_id "
        "WHERE d.state = ? AND d.next_at <= ? AND w.removed_at IS NULL ORDER BY d.next_at, d.id LIMIT ?"
    )
    return [_delivery(row) for row in reader.fetch(sql, (DeliveryState.QUEUED, now_s, limit))]


def delivered(tx: Transaction, delivery_id: int) -> None:
    """The receiver answered 2xx."""
    tx.run(
        "UPDATE webhook_deliveries SET state = ?, attempts = attempts + 1, code = NULL WHERE id = ?",
        (DeliveryState.DELIVERED, delivery_id),
    )


def failed(tx: Transaction, delivery_id: int, code: str, next_at: int | None) -> None:
    """An attempt was in vain; without a next one it is parked."""
    state = DeliveryState.PARKED if next_at is None else DeliveryState.QUEUED
    tx.run(
        "UPDATE webhook_deliveries SET state = ?, attempts = attempts + 1, code = ?, next_at = coalesce(?, next_at) WHERE id = ?",
        (state, code, next_at, delivery_id),
    )


def replay(tx: Transaction, delivery_id: int, now_s: int) -> Delivery:
    """Queue a parked delivery again.

    Raises:
        NotFoundError: ``webhook-delivery-unknown``.
        ConflictError: ``webhook-delivery-state`` when it is not parked.
    """
    found = delivery_at(tx, delivery_id)
    if found.state is not DeliveryState.PARKED:
        text = f"delivery {delivery_id} is {found.state}, not parked"
        raise ConflictError("webhook-delivery-state", text, delivery=delivery_id, state=found.state.value)
    tx.run(
        "UPDATE webhook_deliveries SET state = ?, attempts = 0, next_at = ? WHERE id = ?",
        (DeliveryState.QUEUED, now_s, delivery_id),
    )
    return delivery_at(tx, delivery_id)


def delivery_at(reader: Reader, delivery_id: int) -> Delivery:
    """One delivery.

    Raises:
        NotFoundError: ``webhook-delivery-unknown``.
    """
    rows = reader.fetch(f"SELECT {_DELIVERY} FROM webhook_deliveries WHERE id = ?", (delivery_id,))
    if not rows:
        raise NotFoundError("webhook-delivery-unknown", f"there is no delivery {delivery_id}", delivery=delivery_id)
    return _delivery(rows[0])


def deliveries(reader: Reader, hook_id: int, after: int, limit: int, state: DeliveryState | None = None) -> list[Delivery]:
    """Deliveries of a hook by rising id.

    Args:
        reader: of node.db.
        hook_id: whose.
        after: the last id already seen, 0 to begin.
        limit: at most so many.
        state: only those in it.
    """
    sql = (
        f"SELECT {_DELIVERY} FROM webhook_deliveries WHERE hook_id = ? AND id > ? AND (? IS NULL OR state = ?) "
        "ORDER BY id LIMIT ?"
    )
    return [_delivery(row) for row in reader.fetch(sql, (hook_id, after, state, state, limit))]


def forget_before(tx: Transaction, time: int) -> int:
    """Drop what was delivered, and what belongs to removed hooks, when it was created before a time (wall clock).

    Returns:
        How many went.
    """
    return tx.run(
        "DELETE FROM webhook_deliveries WHERE created_at < ? AND (state = ? OR hook_id IN "
        "(SELECT id FROM webhooks WHERE removed_at IS NOT NULL))",
        (time, DeliveryState.DELIVERED),
    )


def _place(what: str, hook_id: int) -> str:
    return f"webhooks {what} {hook_id}"


def _hook(row: Row, sealer: Sealer) -> Hook:
    number, url, secret, events, *rest = row
    opened = sealer.open(_place("url", number), url).decode()
    return Hook(number, opened, tuple(orjson.loads(sealer.open(_place("secret", number), secret))), tuple(events.split()), *rest)


def _delivery(row: Row) -> Delivery:
    return Delivery(*(*row[:5], DeliveryState(row[5]), *row[6:]))
