"""Queries: this node reads from another department's node and verifies what it gets."""

from __future__ import annotations

from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Request, Response

from xinlian.api.access import GuardedRoute, allow, node_of
from xinlian.api.paging import Listing
from xinlian.api.wire import FileWantedIn, QueryIn
from xinlian.node.asking import AskItem, Question, Wanted
from xinlian.node.asking.history import brief
from xinlian.node.paging import Window
from xinlian.node.people import Person, Role
from xinlian.protocol.subjects import Subject

router = APIRouter(route_class=GuardedRoute, prefix="/api/v1/queries", tags=["queries"])
QUERIES = Listing("queries", int, str)
BUNDLES = Listing("bundles", int, int)


@router.post("", response_model=dict[str, Any])
async def ask(request: Request, query: QueryIn, person: Annotated[Person, Depends(allow(Role.CASEWORKER))]) -> Response:
    """Ask another department's node; every value shown was verified against this node's own view of the chain."""
    question = Question(
        provider=query.provider,
        grant_number=query.grant,
        case=(query.case.lead, query.case.case_no) if query.case else None,
        purpose=query.purpose,
        mode=query.mode,
        fields=tuple(query.fields),
        view=query.view,
        parameters=query.parameters,
        items=tuple(AskItem(tuple(Subject(s.kind, s.value) for s in i.subjects), dict(i.values)) for i in query.items),
        authorisations=tuple(bytes.fromhex(one) for one in query.authorisations),
    )
    outcome = await node_of(request).asking.ask(question, person)
    return Response(orjson.dumps(outcome.to_json()), media_type="application/json")  # plain JSON already: no model walks it again


@router.get("")
async def list_queries(
    request: Request,
    _person: Annotated[Person, Depends(allow(Role.CASEWORKER, Role.AUDITOR))],
    window: Annotated[Window, Depends(QUERIES)],
) -> dict[str, Any]:
    """Queries of this node, newest first, without values."""
    return QUERIES.page(node_of(request).asking.history.page(window), brief)


@router.get("/{rid}")
async def show_query(
    request: Request, rid: str, person: Annotated[Person, Depends(allow(Role.CASEWORKER, Role.AUDITOR))]
) -> dict[str, Any]:
    """One query; values only for caseworkers, from the encrypted case file."""
    return node_of(request).asking.history.show(rid, with_values=Role.CASEWORKER in person.roles)


@router.get("/{rid}/bundles")
async def query_bundles(
    request: Request,
    rid: str,
    _person: Annotated[Person, Depends(allow(Role.CASEWORKER))],
    window: Annotated[Window, Depends(BUNDLES)],
) -> dict[str, Any]:
    """Evidence bundles of everything that a query returned; receipts that were pending are filled in."""
    return BUNDLES.page(await node_of(request).late_receipts.complete(rid, window), lambda bundle: bundle)


@router.post("/{rid}/attachments", response_model=dict[str, Any])
async def fetch_attachment(
    request: Request, rid: str, wanted: FileWantedIn, person: Annotated[Person, Depends(allow(Role.CASEWORKER))]
) -> dict[str, Any]:
    """Fetch the file that a record of a query names, or go on fetching it; call again while its state is ``uploading``."""
    node = node_of(request)
    row = await node.fetching.fetch(Wanted(rid, wanted.item, wanted.record_id, wanted.field), person)
    return node.library.show(row, person)
