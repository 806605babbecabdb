"""Documents: the texts behind the law's steps, own and received."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request

from xinlian.api.access import GuardedRoute, allow, node_of
from xinlian.api.paging import Listing, PageOut
from xinlian.api.wire import DocumentBriefOut, DocumentOut
from xinlian.node.documents import brief
from xinlian.node.paging import Window
from xinlian.node.people import Role

router = APIRouter(route_class=GuardedRoute, prefix="/api/v1/documents", tags=["documents"])
DOCUMENTS = Listing("documents", int, str)
_READERS = (Role.SHARING, Role.HEAD, Role.AUTHORITY)
Digest = Annotated[str, Path(pattern=r"^[0-9a-f]{64}$", examples=["ab" * 32], description="Salted digest, as on chain.")]


@router.get("", dependencies=[Depends(allow(*_READERS, Role.AUDITOR))], response_model=PageOut[DocumentBriefOut])
async def list_documents(
    request: Request,
    window: Annotated[Window, Depends(DOCUMENTS)],
    object_ref: Annotated[str | None, Query(alias="object", max_length=120, description="Only those about this.")] = None,
) -> dict[str, Any]:
    """Documents, all or those about one object, oldest first, without their texts."""
    return DOCUMENTS.page(node_of(request).documents.page(window, object_ref), brief)


@router.get("/{digest}", dependencies=[Depends(allow(*_READERS))])
async def show_document(request: Request, digest: Digest) -> DocumentOut:
    """One document with its text and salt: whoever has both can check the digest."""
    documents = node_of(request).documents
    document = documents.opened(bytes.fromhex(digest))
    return DocumentOut(
        **documents.info(document.digest), salt=document.salt.hex(), text=document.text.decode(), content=document.content()
    )
