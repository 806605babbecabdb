"""Findings (问题线索): breaches of Decree 809 art. 39-41 with their evidence."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request

from xinlian.api.access import GuardedRoute, allow, node_of
from xinlian.api.paging import Listing, PageOut
from xinlian.api.wire import FindingOut
from xinlian.node.findings import Article, FindingInfo
from xinlian.node.paging import Window
from xinlian.node.people import Role

router = APIRouter(route_class=GuardedRoute, prefix="/api/v1/findings", tags=["findings"])
FINDINGS = Listing("findings", int, str)
_reading = [Depends(allow(Role.AUDITOR, Role.AUTHORITY, Role.HEAD))]


def _out(info: FindingInfo) -> FindingOut:
    about = {"id": info.id, "article": info.article, "department": info.department, "object": info.object}
    return FindingOut(**about, origin=info.origin, noticed_at=info.noticed_at, **info.content)


@router.get("", dependencies=_reading, response_model=PageOut[FindingOut])
async def list_findings(
    request: Request,
    window: Annotated[Window, Depends(FINDINGS)],
    article: Annotated[Article | None, Query(description="Only those of this article, such as 39(4).")] = None,
    department: Annotated[str | None, Query(max_length=18, description="Only those of this department (USCC).")] = None,
) -> dict[str, Any]:
    """Findings in the order in which they were noticed."""
    findings = node_of(request).findings
    await findings.look()
    return FINDINGS.page(findings.page(window, article, department), _out)


@router.get("/{finding_id}", dependencies=_reading)
async def show_finding(request: Request, finding_id: str) -> FindingOut:
    """One finding with its evidence."""
    return _out(node_of(request).findings.info(finding_id))
