"""Approvals by two persons, acts and documents."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from xinlian.api.wire.base import Wire


class ApprovalIn(Wire):
    """A step to be proposed: its kind, what it is about, and the members of its kind."""

    kind: str = Field(pattern=r"^[a-z0-9-]{1,40}$", examples=["dataset-propose"])
    object: str = Field(max_length=120, examples=["dataset 12411599MBDEM00233/000001@1"])
    payload: dict[str, Any] = Field(examples=[{"schema": "{…}"}])


class ConsentIn(Wire):
    """What is consented to: the proposal's digest as it was read, so that nothing else can have taken its place."""

    proposal: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$", examples=["ab" * 32])


class SendBackIn(Wire):
    """Why a proposal is sent back."""

    reason: str = Field(min_length=1, max_length=2_000, examples=["使用范围过宽, 请删去批量方式"])


class StepOut(Wire):
    """One step of an approval: who did what, when (law time), with the digest of its text."""

    seq: int = Field(examples=[1])
    act: Literal["proposed", "consented", "sent-back", "withdrawn"]
    user: int = Field(examples=[3])
    person_id: str = Field(examples=["P0003"])
    name: str = Field(examples=["测试经办"])
    post: str = Field(examples=["数据共享岗"])
    at: int = Field(examples=[1790000000])
    document: str | None = Field(examples=["ab" * 32])
    reason: str | None = None


class ApprovalOut(Wire):
    """A step that binds the department: proposed by one person, consented to by another, then carried out by the node.

    ``proposal`` and ``document`` are the digests of what was proposed and of what the head signed; ``code`` is the error code of
    a failure, or while executing of what it waits for; ``payload`` is there for those who may propose or decide.
    """

    id: int = Field(examples=[1])
    kind: str = Field(examples=["dataset-propose"])
    object: str = Field(examples=["dataset 12411599MBDEM00233/000001@1"])
    state: Literal["pending", "returned", "withdrawn", "consented", "executing", "done", "failed"]
    round: int = Field(examples=[1])
    proposal: str = Field(examples=["ab" * 32])
    document: str | None = None
    code: str | None = None
    result: dict[str, Any] | None = None
    created_at: int = Field(examples=[1790000000])
    changed_at: int = Field(examples=[1790000000])
    steps: list[StepOut]
    payload: dict[str, Any] | None = None


class ActOut(Wire):
    """One act: what was done to what, when (law time), by whom; ``document`` is the digest of its text."""

    position: int = Field(examples=[7])
    act: str = Field(examples=["consented"])
    object: str = Field(examples=["dataset 12411599MBDEM00233/000001@1"])
    time: int = Field(examples=[1790000000])
    document: str | None = Field(examples=["ab" * 32])
    person_id: str = Field(examples=["P0004"])
    post: str = Field(examples=["共享工作机构负责人"])
    role: Literal["handler", "head"]
    approval: int | None = Field(examples=[1])
    leaf: str = Field(examples=["cd" * 32])
    state: Literal["pending", "anchored"]


class DocumentBriefOut(Wire):
    """A document without its text; a received one is unconfirmed until the chain shows its digest."""

    digest: str = Field(examples=["ab" * 32])
    kind: str = Field(examples=["consent"])
    object: str = Field(examples=["dataset 12411599MBDEM00233/000001@1"])
    sender: str | None = Field(examples=[None])
    created_at: int = Field(examples=[1790000000])
    state: Literal["own", "unconfirmed", "confirmed"]
    on_chain_at: int | None = Field(description="Law time at which the chain showed its digest.", examples=[1790000060])


class DocumentDeliveryOut(Wire):
    """A text on its way to a department that takes part in its object."""

    recipient: str = Field(examples=["11411599MBDEM0015B"])
    notice: str = Field(description="Id of the notice that brings it.", examples=["00" * 16])
    state: Literal["to-tell", "told", "acknowledged", "refused"]
    attempts: int = Field(examples=[1])
    last_code: str | None = Field(examples=[None])
    parked: bool
    created_at: int = Field(examples=[1790000000])
    acknowledged_at: int | None = Field(examples=[1790000002])


class DocumentMissingOut(Wire):
    """A digest that the chain shows about an object this department takes part in, whose text is not here."""

    digest: str = Field(examples=["ab" * 32])
    object: str = Field(description="Of a dataset as a whole without version.", examples=["dataset 12411599MBDEM00233/000001@1"])
    event: str = Field(examples=["DatasetReturned"])
    at: int = Field(description="Law time.", examples=[1790000060])


class DocumentRecipientIn(Wire):
    """Whom a text is handed to again."""

    recipient: str = Field(pattern=r"^[0-9A-Z]{18}$", examples=["11411599MBDEM0015B"])


class DocumentOut(DocumentBriefOut):
    """A document: ``digest`` is SHA-256 of 0x02, ``salt`` (hex) and the bytes of ``text``."""

    salt: str = Field(examples=["00" * 32])
    text: str = Field(examples=['{"document":"consent","object":"dataset 12411599MBDEM00233/000001@1","reason":"同意"}'])
    content: dict[str, Any] = Field(examples=[{"reason": "同意"}])
    deliveries: list[DocumentDeliveryOut] = Field(description="Whom an own text was handed to.")
