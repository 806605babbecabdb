"""A dishonest program inside the fund centre: it holds the centre's real keys and goes past the centre's own node.

What it asks is signed and sealed as it must be; only the opening of the case's subjects is made up. The provider's node decides.
"""

from __future__ import annotations

import secrets
import time
from typing import Any, Final

import httpx
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from scripts.demo_app.collecting import IDENTITY, identity_of
from scripts.demo_app.stage import CASE_NO, PURPOSE, NodeHandle, Stage
from xinlian.protocol import httpsig
from xinlian.protocol.b64 import b64u
from xinlian.protocol.dataset.model import Mode, SubjectKind
from xinlian.protocol.envelope import SUITE, Direction, EnvelopeHeader, Rid, dumps_header, open_answer, parse_header, seal_request
from xinlian.protocol.jwks import sealing_jwk, signing_jwk
from xinlian.protocol.messages import CaseRef, GrantRef, Request, RequestItem, dumps_request, parse_answer
from xinlian.protocol.subjects import Subject, build
from xinlian.protocol.types import EpochS, Uscc
from xinlian.scenarios.catalogue import load_schemas
from xinlian.scenarios.synthetic import SCENARIO, Person
from xinlian.store.secrets import NodeKeys

PATH: Final = "/exchange/v1/requests"
_WINDOW_S: Final = 60


def ask_for(stage: Stage, person: Person) -> dict[str, Any]:
    """Ask the police to compare a person who is not in the case.

    Returns:
        HTTP status, outcomes and refusing checks of the sealed answer.
    """
    ours, theirs = _keys(stage.fund), _keys(stage.nodes["D06"])
    reply_key = X25519PrivateKey.generate()
    request = _request(stage, person, ours, theirs, reply_key)
    stage.notes["bypass_rid"] = request.rid
    header = EnvelopeHeader(
        SUITE, Direction.REQUEST, request.from_uscc, request.to_uscc, request.signing_kid, request.sealing_kid, request.rid
    )
    body = seal_request(header, dumps_request(request), theirs.hpke.current.private.public_key())
    headers = {
        "content-type": "application/octet-stream",
        "xinlian-to": request.to_uscc,
        "xinlian-envelope": dumps_header(header),
    }
    params = httpsig.SignatureParams(request.created, request.expires, request.rid, request.signing_kid)
    signed = httpsig.sign_request(httpsig.Request("POST", PATH, None, headers, body), params, ours.signing.current.private)
    reply = httpx.post(stage.nodes["D06"].url + PATH, headers=signed, content=body, timeout=30.0, trust_env=False)
    if reply.status_code != 200:
        return {"status": reply.status_code, "outcomes": [], "checks": [reply.text[:300]]}
    answer = parse_answer(open_answer(parse_header(reply.headers["xinlian-envelope"]), reply.content, reply_key, body))
    checks = [None if item.check is None else item.check.value for item in answer.items]
    return {"status": 200, "outcomes": [item.outcome.value for item in answer.items], "checks": checks}


def _keys(node: NodeHandle) -> NodeKeys:
    return NodeKeys.load(node.keys, node.passphrase.read_text("utf-8").strip())


def _request(stage: Stage, person: Person, ours: NodeKeys, theirs: NodeKeys, reply_key: X25519PrivateKey) -> Request:
    lead, police = Uscc(stage.fund.department.uscc), Uscc(stage.nodes["D06"].department.uscc)
    (opening,) = build([Subject(SubjectKind.PERSON, person.id_number)], [secrets.token_bytes(16)]).openings
    now = int(time.time())
    return Request(
        rid=Rid(b64u(secrets.token_bytes(16))),
        from_uscc=lead,
        to_uscc=police,
        signing_kid=signing_jwk(ours.signing.current.private.public_key()).kid,
        sealing_kid=sealing_jwk(theirs.hpke.current.private.public_key()).kid,
        reply_key=reply_key.public_key().public_bytes_raw(),
        grant=GrantRef(police, stage.grants[IDENTITY.dataset, lead, PURPOSE]),
        dataset=load_schemas(SCENARIO)[IDENTITY.dataset].vct,
        case=CaseRef(lead, CASE_NO),
        purpose=PURPOSE,
        mode=Mode.VERIFY,
        fields=IDENTITY.fields,
        view=None,
        items=(RequestItem((opening,), identity_of(person)),),
        created=EpochS(now),
        expires=EpochS(now + _WINDOW_S),
    )
