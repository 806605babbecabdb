"""Webhooks and what was delivered to them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from xinlian.api.wire.base import Wire

_SECRET = "whsec_" + "A" * 44


class WebhookIn(Wire):
    """A webhook to be registered."""

    url: str = Field(max_length=500, examples=["https://oa.example.gov.cn/hooks/xinlian"])
    secret: str = Field(max_length=120, examples=[_SECRET], description="whsec_ and base64 of 24 to 64 random bytes.")
    events: list[str] = Field(min_length=1, max_length=50, examples=[["approval.proposed", "batch.final"]])


class SecretsIn(Wire):
    """The secrets a webhook has from now on."""

    secrets: list[Annotated[str, Field(max_length=120)]] = Field(min_length=1, max_length=2, examples=[[_SECRET]])


class WebhookOut(Wire):
    """A webhook; address and secrets are not shown, because both open something."""

    id: int = Field(examples=[1])
    host: str = Field(examples=["https://oa.example.gov.cn"])
    secrets: int = Field(examples=[1])
    events: list[str] = Field(examples=[["approval.proposed", "batch.final"]])
    created_by: int = Field(examples=[1])
    created_at: int = Field(examples=[1790000000])


class DeliveryOut(Wire):
    """One event for one webhook; ``body`` is what is signed and sent, ``code`` why the last attempt was in vain."""

    id: int = Field(examples=[1])
    webhook: int = Field(examples=[1])
    message_id: str = Field(examples=["msg_019a0b1c2d3e7f008000000000000001"])
    event: str = Field(examples=["batch.final"])
    body: str = Field(examples=['{"type":"batch.final","timestamp":"2026-09-24T01:00:00Z","department":"…","data":{}}'])
    state: Literal["queued", "delivered", "parked"]
    attempts: int = Field(examples=[1])
    next_at: int | None = Field(examples=[None])
    code: str | None = Field(examples=[None])
    created_at: int = Field(examples=[1790000000])
