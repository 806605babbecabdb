"""Acts: who did which step of the law to what, with evidence from the anchored log."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from xinlian.api.access import GuardedRoute, allow, node_of
from xinlian.api.paging import Listing, PageOut
from xinlian.api.parameters import NumberPath
from xinlian.api.wire import ActOut
from xinlian.node.acts import ActInfo
from xinlian.node.paging import Window
from xinlian.node.people import Role
from xinlian.protocol.bundle import dumps

router = APIRouter(route_class=GuardedRoute, prefix="/api/v1/acts", tags=["acts"])
ACTS = Listing("acts", int)
_reading = [Depends(allow(Role.AUDITOR, Role.AUTHORITY, Role.HEAD, Role.SHARING))]


def _out(info: ActInfo) -> ActOut:
    clear, disclosed = info.statement.clear, info.statement.disclosed
    assert disclosed is not None
    return ActOut(
        position=info.position,
        act=clear.act.value,
        object=clear.object_ref,
        time=clear.time,
        document=None if clear.document is None else clear.document.hex(),
        person_id=disclosed.person_id,
        post=disclosed.post,
        role=disclosed.role.value,
        approval=disclosed.approval,
        leaf=info.statement.leaf.hex(),
        state="anchored" if info.is_anchored else "pending",
    )


@router.get("", dependencies=_reading, response_model=PageOut[ActOut])
async def list_acts(
    request: Request,
    window: Annotated[Window, Depends(ACTS)],
    object_ref: Annotated[str | None, Query(alias="object", max_length=120, description="Only those about this.")] = None,
) -> dict[str, Any]:
    """Acts of this department's people in order, all or those about one object."""
    return ACTS.page(node_of(request).acts.page(window, object_ref), _out)


@router.get("/{position}/bundle", dependencies=[Depends(allow(Role.AUDITOR, Role.HEAD))])
async def act_bundle(
    request: Request,
    position: NumberPath,
    fields: Annotated[str | None, "names separated by commas; absent = all, empty = none"] = None,
) -> Response:
    """The evidence bundle of an act: that it is in the anchored log, and who acted as far as is disclosed."""
    node = node_of(request)
    names = None if fields is None else tuple(name for name in fields.split(",") if name)
    return Response(dumps(node.acts.bundle(node.bundles, position, names)), media_type="application/json")
