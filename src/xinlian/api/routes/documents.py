"""Documents: the texts behind the law's steps, own and received."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request

from xinlian.api.access import GuardedRoute, allow, node_of
from xinlian.api.paging import Listing, PageOut
from xinlian.api.wire import DocumentBriefOut, DocumentDeliveryOut, DocumentMissingOut, DocumentOut, DocumentRecipientIn
from xinlian.node.paging import Window
from xinlian.node.people import Role

router = APIRouter(route_class=GuardedRoute, prefix="/api/v1/documents", tags=["documents"])
DOCUMENTS = Listing("documents", int, str)
MISSING = Listing("documents-missing", int, str, str)
_READERS = (Role.SHARING, Role.HEAD, Role.AUTHORITY)
Digest = Annotated[str, Path(pattern=r"^[0-9a-f]{64}$", examples=["ab" * 32], description="Salted digest, as on chain.")]


@router.get("", dependencies=[Depends(allow(*_READERS, Role.AUDITOR))], response_model=PageOut[DocumentBriefOut])
async def list_documents(
    request: Request,
    window: Annotated[Window, Depends(DOCUMENTS)],
    object_ref: Annotated[str | None, Query(alias="object", max_length=120, description="Only those about this.")] = None,
) -> dict[str, Any]:
    """Documents, all or those about one object, oldest first, without their texts."""
    documents = node_of(request).documents
    return DOCUMENTS.page(documents.page(window, object_ref), documents.brief)


@router.get("/missing", dependencies=[Depends(allow(*_READERS, Role.AUDITOR))], response_model=PageOut[DocumentMissingOut])
async def list_missing(request: Request, window: Annotated[Window, Depends(MISSING)]) -> dict[str, Any]:
    """What the chain shows about objects this department takes part in and whose text is not here, oldest first."""
    return MISSING.page(
        node_of(request).documents.missing(window),
        lambda one: {"digest": one.digest.hex(), "object": one.object_ref, "event": one.event, "at": one.at_s},
    )


@router.get("/{digest}", dependencies=[Depends(allow(*_READERS))])
async def show_document(request: Request, digest: Digest) -> DocumentOut:
    """One document with its text and salt: whoever has both can check the digest."""
    node = node_of(request)
    document = node.documents.opened(bytes.fromhex(digest))
    return DocumentOut(
        **node.documents.info(document.digest),
        salt=document.salt.hex(),
        text=document.text.decode(),
        content=document.content(),
        deliveries=[DocumentDeliveryOut(**one) for one in node.handing.deliveries(document.digest)],
    )


@router.post("/{digest}/deliver", status_code=202, dependencies=[Depends(allow(Role.SHARING, Role.AUTHORITY))])
async def deliver_document(request: Request, digest: Digest, body: DocumentRecipientIn) -> DocumentDeliveryOut:
    """Hand an own text over again to a department that takes part in its object (it lost it); the first time needs nobody."""
    return DocumentDeliveryOut(**await node_of(request).handing.again(bytes.fromhex(digest), body.recipient))
