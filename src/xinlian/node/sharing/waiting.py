"""What waits because of sharing requests: a source of the inbox.

Source: Decree 809 art. 20-22, 27-28; dossier 2.3.1.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from xinlian.node.chain_state import ENDED, ChainState, RequestState, SharingRequest
from xinlian.node.inbox import Capacity, Todo
from xinlian.node.people import Role
from xinlian.protocol.clocks import Term
from xinlian.protocol.objects import request_object

_HANDLERS: Final = frozenset({Role.SHARING})
_AUTHORITY: Final = frozenset({Role.AUTHORITY})
_PROVIDERS: Final = {RequestState.SUBMITTED: "request-answer", RequestState.AGREED: "request-deliver"}
_REQUESTERS: Final = {
    RequestState.SUPPLEMENT: "request-supplement",
    RequestState.SUSPENDED: "request-rectify",
    RequestState.CHANGE_NEGOTIATION: "request-change",
}


def requests_waiting(state: ChainState, department: str) -> Iterator[Todo]:
    """Steps of requests that a department, or the authority, has to take next."""
    for request in state.requests.values():
        for_authority = _asked_of_authority(request)
        if for_authority is not None:
            yield _todo(request, for_authority, Capacity.AUTHORITY, _AUTHORITY)
        if request.provider == department and request.state in _PROVIDERS and not request.out_of_scope:
            yield _todo(request, _PROVIDERS[request.state], Capacity.HANDLER, _HANDLERS)
        if request.requester == department:
            if request.state in _REQUESTERS:
                yield _todo(request, _REQUESTERS[request.state], Capacity.HANDLER, _HANDLERS)
            elif request.state in ENDED and not request.disposed_at_s:
                yield _todo(request, "request-dispose", Capacity.HANDLER, _HANDLERS)


def _asked_of_authority(request: SharingRequest) -> str | None:
    if request.state is RequestState.DISPUTE:
        return "request-dispute"
    if request.state is not RequestState.SUBMITTED:
        return None
    if request.out_of_scope:
        return "request-scope-review"
    return "request-extension" if request.extension_asked_wd and not request.extension_consented_wd else None


def _todo(request: SharingRequest, kind: str, capacity: Capacity, roles: frozenset[Role]) -> Todo:
    ref = request_object(request.requester, request.number)
    _, start_s, length_wd = request.clock()
    term = Term(start_s, length_wd) if length_wd else None
    return Todo(kind, ref, ref, kind.removeprefix("request-"), capacity, roles, request.state_at_s, term)
