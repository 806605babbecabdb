"""Webhooks: which of the department's own systems are told what, and what became of it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request

from xinlian.api.access import GuardedRoute, allow, node_of
from xinlian.api.paging import Listing, PageOut
from xinlian.api.parameters import NumberPath
from xinlian.api.wire import DeliveryOut, SecretsIn, WebhookIn, WebhookOut
from xinlian.node.paging import Window
from xinlian.node.people import Person, Role
from xinlian.node.webhooks import NewHook, shown
from xinlian.store.webhooks import Delivery, DeliveryState, Hook

router = APIRouter(route_class=GuardedRoute, prefix="/api/v1/webhooks", tags=["webhooks"])
WEBHOOKS, DELIVERIES = Listing("webhooks", int), Listing("deliveries", int)
_operator = [Depends(allow(Role.OPERATOR))]
_looking = [Depends(allow(Role.OPERATOR, Role.AUDITOR))]


def _out(hook: Hook) -> WebhookOut:
    return WebhookOut(**shown(hook))


def _delivery(delivery: Delivery) -> DeliveryOut:
    return DeliveryOut(
        id=delivery.id,
        webhook=delivery.hook_id,
        message_id=delivery.message_id,
        event=delivery.event,
        body=delivery.body.decode(),
        state=delivery.state.value,
        attempts=delivery.attempts,
        next_at=delivery.next_at if delivery.state is DeliveryState.QUEUED else None,
        code=delivery.code,
        created_at=delivery.created_at,
    )


@router.get("", dependencies=_looking, response_model=PageOut[WebhookOut])
async def list_webhooks(request: Request, window: Annotated[Window, Depends(WEBHOOKS)]) -> dict[str, Any]:
    """Webhooks in use; of an address only its host."""
    return WEBHOOKS.page(node_of(request).webhooks.page(window), _out)


@router.post("", status_code=201)
async def add_webhook(request: Request, body: WebhookIn, person: Annotated[Person, Depends(allow(Role.OPERATOR))]) -> WebhookOut:
    """Register a webhook; its host must be in the setting webhook_allowed_hosts. Address and secret are never shown again."""
    new = NewHook(body.url, (body.secret,), tuple(body.events))
    return _out(await node_of(request).webhooks.add(new, person))


@router.post("/{hook_id}/secrets", dependencies=_operator)
async def replace_secrets(request: Request, hook_id: NumberPath, body: SecretsIn) -> WebhookOut:
    """Replace a webhook's secrets: two while the receiver changes over (both sign), then the new one alone."""
    return _out(await node_of(request).webhooks.replace_secrets(hook_id, body.secrets))


@router.post("/{hook_id}/test", status_code=202, dependencies=_operator)
async def try_webhook(request: Request, hook_id: NumberPath) -> dict[str, Any]:
    """Send the event webhook.test, whatever the hook asked for."""
    await node_of(request).webhooks.try_out(hook_id)
    return {"webhook": hook_id, "state": "queued"}


@router.delete("/{hook_id}", status_code=204, dependencies=_operator)
async def remove_webhook(request: Request, hook_id: NumberPath) -> None:
    """Take a webhook out of use; nothing of it is sent any more."""
    await node_of(request).webhooks.remove(hook_id)


@router.get("/{hook_id}/deliveries", dependencies=_looking, response_model=PageOut[DeliveryOut])
async def list_deliveries(
    request: Request,
    hook_id: NumberPath,
    window: Annotated[Window, Depends(DELIVERIES)],
    state: Annotated[DeliveryState | None, Query(description="Only those in this state.")] = None,
) -> dict[str, Any]:
    """Deliveries of a webhook, oldest first."""
    return DELIVERIES.page(node_of(request).webhooks.deliveries(hook_id, window, state), _delivery)


@router.post("/deliveries/{delivery_id}/replay", status_code=202, dependencies=_operator)
async def replay_delivery(request: Request, delivery_id: NumberPath) -> DeliveryOut:
    """Send a parked delivery again, from its first attempt on."""
    return _delivery(await node_of(request).webhooks.replay(delivery_id))
