"""Authorisations of data subjects: record, list, show, withdraw; withdrawals are taken by every node."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request

from xinlian.api.access import ANYONE_SIGNED_IN, GuardedRoute, allow, node_of
from xinlian.api.paging import Listing, PageOut
from xinlian.api.wire import (
    AuthorisationIn,
    AuthorisationOut,
    AuthorisationRecordedOut,
    AuthorisationShownOut,
    WithdrawalIn,
)
from xinlian.node.authorisations import NewAuthorisation
from xinlian.node.paging import Window
from xinlian.node.people import Person, Role
from xinlian.protocol.errors import NotFoundError

router = APIRouter(route_class=GuardedRoute, prefix="/api/v1/authorisations", tags=["authorisations"])
AUTHORISATIONS = Listing("authorisations", int, str)
Reader = Annotated[Person, Depends(allow(Role.CASEWORKER, Role.SHARING, Role.AUDITOR))]
AuthorisationId = Annotated[str, Path(pattern=r"^[0-9a-f]{64}$", examples=["ab" * 32], description="Random id, as on chain.")]


@router.get("", response_model=PageOut[AuthorisationOut])
async def list_authorisations(
    request: Request, _person: Reader, window: Annotated[Window, Depends(AUTHORISATIONS)]
) -> dict[str, Any]:
    """Authorisations that this department recorded, oldest first, without the persons."""
    showing = node_of(request).authorisations.showing
    return AUTHORISATIONS.page(showing.page(window), lambda row: AuthorisationOut(**showing.brief(row)))


@router.post("", status_code=201)
async def record_authorisation(
    request: Request, body: AuthorisationIn, person: Annotated[Person, Depends(allow(Role.CASEWORKER))]
) -> AuthorisationRecordedOut:
    """Record what a person signed; the chain gets a random id and a salted digest, the person the secret to withdraw it with."""
    desk = node_of(request).authorisations
    row, tx_hash = await desk.recording.record(NewAuthorisation(body.form), person)
    return AuthorisationRecordedOut(**desk.showing.brief(row), secret=row.secret.hex(), tx_hash=tx_hash)


@router.post("/withdrawals")
async def hand_in_withdrawal(
    request: Request, body: WithdrawalIn, person: Annotated[Person, Depends(allow(*ANYONE_SIGNED_IN))]
) -> AuthorisationOut:
    """Hand in a person's withdrawal: this node honours it at once and relays it to the chain; anybody signed in may."""
    ref = body.recorder, bytes.fromhex(body.id)
    await node_of(request).authorisations.withdrawing.hand_in(ref, bytes.fromhex(body.secret), person)
    return _out(request, *ref)


@router.get("/{recorder}/{authorisation_id}")
async def show_authorisation(
    request: Request, person: Reader, recorder: str, authorisation_id: AuthorisationId
) -> AuthorisationShownOut:
    """One authorisation with the requests that showed it; its form only for caseworkers of its recorder."""
    ref = recorder, bytes.fromhex(authorisation_id)
    found = node_of(request).authorisations.showing.info(ref, with_form=Role.CASEWORKER in person.roles)
    return AuthorisationShownOut(**found)


@router.post("/{recorder}/{authorisation_id}/withdraw")
async def withdraw_authorisation(
    request: Request,
    recorder: str,
    authorisation_id: AuthorisationId,
    person: Annotated[Person, Depends(allow(Role.CASEWORKER))],
) -> AuthorisationOut:
    """Withdraw an authorisation of this department's own on the person's word, without the slip."""
    node, authorisation = node_of(request), bytes.fromhex(authorisation_id)
    if recorder != node.settings.department:
        raise NotFoundError("authorisation-unknown", "this department recorded no such one", authorisation=authorisation_id)
    await node.authorisations.withdrawing.withdraw(authorisation, person)
    return _out(request, recorder, authorisation)


def _out(request: Request, recorder: str, authorisation: bytes) -> AuthorisationOut:
    found = node_of(request).authorisations.showing.info((recorder, authorisation), with_form=False)
    return AuthorisationOut(**{name: found[name] for name in AuthorisationOut.model_fields})
