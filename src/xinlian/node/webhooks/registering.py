"""Registering webhooks and looking after their deliveries: the operator's part."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from xinlian.node.idempotency import current_journal
from xinlian.node.paging import Page, Window, first_of
from xinlian.node.people import Person
from xinlian.node.webhooks.addresses import Addresses
from xinlian.node.webhooks.events import EVENT_TYPES, Event, Events
from xinlian.protocol.errors import InputError
from xinlian.protocol.webhooks import parse_secret
from xinlian.store import webhooks as table
from xinlian.store.sealing import Sealer
from xinlian.store.webhooks import Delivery, DeliveryState, Hook
from xinlian.store.writer import Transaction, Writer

MAX_SECRETS = 2
TEST = "webhook.test"


@dataclass(frozen=True, slots=True)
class NewHook:
    """A hook to be registered: address, one or two secrets, event types."""

    url: str
    secrets: tuple[str, ...]
    events: tuple[str, ...]


class Webhooks:
    """The use case.

    Args:
        writer: node.db.
        sealer: encrypts addresses and secrets.
        addresses: where they may go.
        events: puts trials into the outbox.
        wall_s: wall clock, epoch seconds.
    """

    def __init__(self, writer: Writer, sealer: Sealer, addresses: Addresses, events: Events, wall_s: Callable[[], float]) -> None:
        self._writer = writer
        self._sealer = sealer
        self._addresses = addresses
        self._events = events
        self._wall_s = wall_s

    async def add(self, new: NewHook, person: Person) -> Hook:
        """Register a webhook.

        Raises:
            InputError: ``webhook-url``, ``webhook-host``, ``webhook-secret``, ``webhook-event``.
        """
        journal = current_journal()
        if journal.noted("webhook") is not None:
            return self.get(journal.noted("webhook"))
        self._addresses.check_url(new.url)
        _check_secrets(new.secrets)
        _check_events(new.events)
        hook = Hook(0, new.url, new.secrets, tuple(sorted(set(new.events))), person.id, int(self._wall_s()))

        def job(tx: Transaction) -> Hook:
            stored = table.insert(tx, self._sealer, hook)
            journal.note(tx, "webhook", stored.id)
            return stored

        return await self._writer.write(job)

    async def replace_secrets(self, hook_id: int, secrets: Sequence[str]) -> Hook:
        """Give a webhook other secrets: two while the receiver changes over, then the new one.

        Raises:
            NotFoundError: ``webhook-unknown``.
            InputError: ``webhook-secret``.
        """
        _check_secrets(secrets)
        self.get(hook_id)
        await self._writer.write(lambda tx: table.set_secrets(tx, self._sealer, hook_id, secrets))
        return self.get(hook_id)

    async def remove(self, hook_id: int) -> None:
        """Take a webhook out of use.

        Raises:
            NotFoundError: ``webhook-unknown``.
        """
        self.get(hook_id)
        now = int(self._wall_s())
        await self._writer.write(lambda tx: table.remove(tx, hook_id, now))

    async def try_out(self, hook_id: int) -> None:
        """Send a test event, whatever the hook asked for.

        Raises:
            NotFoundError: ``webhook-unknown``.
        """
        hook = self.get(hook_id)
        await self._writer.write(lambda tx: self._events.tell(tx, [hook.id], Event(TEST, {"webhook": hook.id})))

    def get(self, hook_id: int) -> Hook:
        """One webhook.

        Raises:
            NotFoundError: ``webhook-unknown``, for removed ones too.
        """
        with self._writer.read() as reader:
            return table.by_id(reader, self._sealer, hook_id)

    def page(self, window: Window) -> Page[Hook]:
        """Webhooks in use."""
        after = 0 if window.after is None else int(window.after[0])
        with self._writer.read() as reader:
            return first_of(table.page(reader, self._sealer, after, window.limit + 1), window, lambda hook: (hook.id,))

    def deliveries(self, hook_id: int, window: Window, state: DeliveryState | None) -> Page[Delivery]:
        """Deliveries of a webhook, removed ones included, oldest first."""
        after = 0 if window.after is None else int(window.after[0])
        with self._writer.read() as reader:
            found = table.deliveries(reader, hook_id, after, window.limit + 1, state)
        return first_of(found, window, lambda delivery: (delivery.id,))

    async def replay(self, delivery_id: int) -> Delivery:
        """Send a parked delivery again, from its first attempt on.

        Raises:
            NotFoundError: ``webhook-delivery-unknown``.
            ConflictError: ``webhook-delivery-state``.
        """
        now = int(self._wall_s())
        return await self._writer.write(lambda tx: table.replay(tx, delivery_id, now))


def shown(hook: Hook) -> dict[str, Any]:
    """A webhook without what is secret: of the address only the host, because its path may hold a token."""
    parts = urlsplit(hook.url)
    port = "" if parts.port is None else f":{parts.port}"
    return {
        "id": hook.id,
        "host": f"{parts.scheme}://{parts.hostname}{port}",
        "secrets": len(hook.secrets),
        "events": list(hook.events),
        "created_by": hook.created_by,
        "created_at": hook.created_at,
    }


def _check_secrets(secrets: Sequence[str]) -> None:
    if not 1 <= len(secrets) <= MAX_SECRETS:
        raise InputError("webhook-secret", f"a webhook has 1 to {MAX_SECRETS} secrets", field="secrets")
    for secret in secrets:
        parse_secret(secret)


def _check_events(events: Sequence[str]) -> None:
    known = sorted(EVENT_TYPES)
    if not events or not set(events) <= set(known):
        raise InputError("webhook-event", f"events: expected some of {', '.join(known)}", field="events", expected=known)
