"""``Idempotency-Key`` on every creating POST, in one place.

Rules
1. Every POST takes the key unless it stands in ``NOT_CREATING``: a new route is covered without a line of its own.
2. A call with a key is looked up before its body is parsed and carried out once (``node.idempotency``); the answer to a repeat
   carries ``Idempotency-Replayed: true``.
3. What makes a call the same: user, method, path, query and body.
4. Calls that publish records keep their answer in the transaction of the records themselves (``routes.records``).

Source: draft-ietf-httpapi-idempotency-key-header.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response

from xinlian.node.idempotency import Idempotency
from xinlian.node.people import Person

HEADER = "idempotency-key"
REPLAYED = {"Idempotency-Replayed": "true"}

NOT_CREATING = frozenset(
    {
        "/api/v1/verifications",
        "/api/v1/reads/reconcile",
        "/api/v1/datasets/{dataset}/records/search",
        "/api/v1/queries/{rid}/attachments",
        "/exchange/v1/requests",
        "/exchange/v1/notices",
        "/exchange/v1/files",
        "/exchange/v1/self-access",
        "/api/v1/self-access",
        "/api/v1/self-access/logins",
        "/exchange/v1/receipts",
        "/exchange/v1/reconciliations",
    }
)
"""POSTs that only look, calls between nodes, whose request or notice id does what the key does here, and the fetching of a file,
which is called again and again until the file is there."""


def takes_key(method: str, path: str) -> bool:
    """Whether a route is a creating POST.

    Args:
        method: HTTP method.
        path: path template.
    """
    return method == "POST" and path not in NOT_CREATING


async def carry_out(
    idempotency: Idempotency, request: Request, person: Person, handle: Callable[[Request], Awaitable[Response]]
) -> Response:
    """Carry a creating call out, once for each key.

    Args:
        idempotency: of the node.
        request: with its body read already.
        person: who calls.
        handle: does the work; only its 2xx answers are kept.

    Raises:
        InputError: ``idempotency-key-form``.
        ConflictError: ``idempotency-mismatch``, ``idempotency-race``, ``idempotency-erased``; whatever ``handle`` raises.
    """
    call = idempotency.call(person.id, f"{request.method} {request.url.path}", request.headers.get(HEADER))
    if call is None:
        return await handle(request)
    call.update(await request.body())
    call.update(request.scope.get("query_string", b""))
    async with idempotency.carrying_out(call) as journal:
        if journal.answer is not None:
            kept = journal.answer
            return Response(kept.body, status_code=kept.status, media_type="application/json", headers=REPLAYED)
        response = await handle(request)
        if response.status_code >= 300:
            await journal.give_up()
            return response
        await journal.finish(response.status_code, bytes(response.body))
        if journal.is_repeat:
            response.headers.update(REPLAYED)
        return response
