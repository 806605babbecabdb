"""A network with data, grants and cases for the exchange tests, and a hand that writes requests no honest node would send.

Rules
1. One ``Stage`` serves a whole folder of tests: every test takes a case of its own, and a grant of its own if it changes one.
2. ``Crafted`` requests carry real keys and real signatures; only what the test names is wrong.
3. ``tampering`` makes a provider lie: it alters the answer before it is sealed and signed with the provider's real keys.

Example::

    crafted = await stage.craft(stage.question(case))
    reply = await stage.send(crafted.resealed(request=replace(crafted.request, purpose="OTHER")))
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from aiohttp import ClientSession
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from tests.support.network import D02, D03, D06, Network, Running, running_network
from xinlian.chain import questions
from xinlian.chain.rpc import Rpc
from xinlian.node.asking import Asked, AskItem, Question
from xinlian.node.files.examples import example_row
from xinlian.node.identity import SigningKey
from xinlian.node.peer_client import Reply
from xinlian.node.providing import PATH
from xinlian.node.sharing import TermsByName
from xinlian.protocol import httpsig
from xinlian.protocol.dataset import SubjectKind
from xinlian.protocol.envelope import EnvelopeHeader, Rid, dumps_header, open_answer, parse_header, seal_request
from xinlian.protocol.messages import Answer, Request, dumps_answer, dumps_request, parse_answer
from xinlian.protocol.subjects import Subject
from xinlian.protocol.types import EpochS
from xinlian.scenarios.catalogue import load_schemas
from xinlian.store import streams

SCENARIO = "0x" + hashlib.sha256(b"xinlian/scenario/new-home-loan").hexdigest()
OTHER_SCENARIO = "0x" + hashlib.sha256(b"xinlian/scenario/other").hexdigest()
PURPOSE = "HPF_LOAN_REVIEW"
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def id_number(number: int) -> str:
    """A code-correct ID number of the synthetic region (GB 11643 check digit), 0 ≤ number < 100,000."""
    body = f"411599{1950 + number // 1000 % 50:04d}0101{number % 1000:03d}"
    return body + "10X98765432"[sum(int(d) * w for d, w in zip(body, _WEIGHTS, strict=True)) % 11]


def person(number: int) -> Subject:
    """The person as a subject."""
    return Subject(SubjectKind.PERSON, id_number(number))


P1, P2, P3 = person(1), person(2), person(3)
"""P1 and P2 bought contract HT-1 together, P1 alone HT-2; nobody has anything about P3."""


def contract_row(number: str, *buyers: Subject) -> dict[str, Any]:
    """A row of ZJ-02."""
    row = example_row(load_schemas("new-home-loan")["ZJ-02"])
    named = [{"name": f"测试{b.value[-4:]}", "id_number": b.value, "share": "1/1"} for b in buyers]
    return {**row, "contract_no": number, "filing_no": f"BA-{number}", "buyers": named}


@dataclass(frozen=True, slots=True)
class Crafted:
    """A sealed request with everything needed to alter it and to open its answer."""

    request: Request
    header: EnvelopeHeader
    reply_key: X25519PrivateKey
    signing: SigningKey
    sealing: Any
    headers: dict[str, str]
    body: bytes

    def resealed(
        self, *, request: Request | None = None, signing: SigningKey | None = None, age_s: int = 0, **header: Any
    ) -> Crafted:
        """Seal and sign again with something changed: the inner request, the signing key, the signature's age, the envelope."""
        inner = request or self.request
        key = signing or self.signing
        outer = replace(self.header, **{"from_kid": key.kid, **header})
        if request is None:
            inner = replace(inner, signing_kid=key.kid)
        body = seal_request(outer, dumps_request(inner), self.sealing)
        fields = {
            "content-type": "application/octet-stream",
            "xinlian-to": outer.to_uscc,
            "xinlian-envelope": dumps_header(outer),
        }
        params = httpsig.SignatureParams(
            EpochS(self.request.created - age_s), EpochS(self.request.expires - age_s), outer.rid, key.kid
        )
        signed = httpsig.sign_request(httpsig.Request("POST", PATH, None, fields, body), params, key.private)
        return replace(self, request=inner, header=outer, signing=key, headers=signed, body=body)

    def opened(self, reply: Reply) -> Answer:
        """The answer to it."""
        header = parse_header(reply.headers["xinlian-envelope"])
        return parse_answer(open_answer(header, reply.body, self.reply_key, self.body))


@dataclass(slots=True)
class Stage:
    """The network with its data; D02 asks D03 (ZJ-02) and D06 (GA-01), D03 asks D02 (GJJ-01)."""

    network: Network
    grants: dict[str, int] = field(default_factory=dict)
    _cases: int = 0

    def __getitem__(self, uscc: str) -> Running:
        return self.network[uscc]

    # -- chain -------------------------------------------------------------------------------------

    async def give(self, provider: str, receiver: str, dataset: str, **terms: Any) -> int:
        """Have a grant asked for, agreed to and delivered; everything not named is generous."""
        now = self[provider].node.clock.law_s()
        values: dict[str, Any] = {
            "verify": (),
            "query": (),
            "answer": (),
            "batch": (),
            "purposes": (PURPOSE,),
            "scenarios": (SCENARIO,),
            "valid_from_s": now - 10,
            "valid_to_s": now + 10_000_000,
            "uses_per_case": 5_000,
            **terms,
        }
        return await self.network.share(provider, receiver, dataset, TermsByName(**values))

    async def case(self, *subjects: Subject, lead: str = D02, scenario: str = SCENARIO, participants: Sequence[str] = ()) -> str:
        """Open a case; its number."""
        self._cases += 1
        number = f"CASE-{self._cases}"
        await self[lead].node.cases.open(number, scenario, tuple(participants), subjects)
        await self.network.in_step()
        return number

    async def pass_time(self, seconds: int) -> None:
        """Let law time pass on the chain."""
        async with Rpc(self.network.anvil.url) as rpc:
            await rpc.ask(questions.raw("evm_increaseTime", hex(seconds)))
            await rpc.ask(questions.raw("evm_mine"))
            head = await rpc.ask(questions.head())
        for one in self.network.nodes.values():
            assert await one.node.following.reach(head.number, 10)

    # -- asking ------------------------------------------------------------------------------------

    def question(
        self, case: str, mode: str = "query", *items: AskItem, provider: str = D03, lead: str = D02, **changes: Any
    ) -> Question:
        """A question of D02 about P1 unless said otherwise."""
        fields = {"query": ("contract_no", "filing_status"), "verify": ("contract_no",), "answer": ()}[mode]
        values: dict[str, Any] = {
            "provider": provider,
            "grant_number": self.grants[provider],
            "case": (lead, case),
            "purpose": PURPOSE,
            "mode": mode,
            "fields": fields,
            "view": "contract_count" if mode == "answer" else None,
            "parameters": {},
            "items": items or (AskItem((P1,), {"contract_no": "HT-1"} if mode == "verify" else {}),),
            **changes,
        }
        return Question(**values)

    async def ask(self, question: Question, asker: str = D02) -> Asked:
        """Ask as an honest node does."""
        return await self[asker].node.asking.ask(question, self[asker].person)

    async def craft(self, question: Question, asker: str = D02) -> Crafted:
        """What an honest node would send now, to be altered."""
        asking = self[asker].node.asking
        grant = asking._grant(question)
        sent = asking._seal(question, grant, await asking._schema(grant), self[asker].person)
        signing = self[asker].node.identity.current_signing()
        _, sealing = asking._p.peers.hpke_key_now(sent.request.to_uscc)
        sealed = sent.sealed
        return Crafted(sent.request, sealed.header, sealed.reply_key, signing, sealing, sealed.headers, sealed.body)

    async def send(self, crafted: Crafted, to: str | None = None) -> Reply:
        """Post it to a node over HTTP, once."""
        url = self[to or crafted.request.to_uscc].url + PATH
        async with ClientSession() as session, session.post(url, data=crafted.body, headers=crafted.headers) as response:
            fields = {name.lower(): value for name, value in response.headers.items()}
            return Reply(response.status, fields, await response.read())

    async def check_of(self, crafted: Crafted) -> str | None:
        """The check that refuses a crafted request, read from the sealed answer."""
        reply = await self.send(crafted)
        assert reply.status == 200, reply.body
        checks = {item.check for item in crafted.opened(reply).items}
        assert len(checks) == 1
        found = checks.pop()
        return None if found is None else found.value

    # -- looking -----------------------------------------------------------------------------------

    def reads(self, uscc: str, rid: str) -> list[streams.ReadEntry]:
        """Read entries of a node about a request, oldest first."""
        node = self[uscc].node
        with node.store.node.read() as reader:
            return [e for e in streams.reads_page(reader, node.asking._p.sealer, 0, 100_000) if e.rid == rid]

    def read_count(self, uscc: str) -> int:
        """How many read entries a node has."""
        with self[uscc].node.store.node.read() as reader:
            return streams.last_position(reader, streams.READS)


@contextmanager
def tampering(provider: Running, alter: Callable[[Answer], Answer]) -> Iterator[None]:
    """Make a provider alter its answers before it seals and signs them."""
    providing: Any = provider.node.providing
    honest = providing._seal

    def lying(call: Any, plaintext: bytes) -> Any:
        return honest(call, dumps_answer(alter(parse_answer(plaintext))))

    providing._seal = lying
    try:
        yield
    finally:
        providing._seal = honest


def other_rid(request: Request) -> Request:
    """The same request under another id."""
    return replace(request, rid=Rid("AAAAAAAAAAAAAAAAAAAAAA"))


@asynccontextmanager
async def set_stage(directory: Path, **settings: Any) -> AsyncIterator[Stage]:
    """Start the network, publish the data, give the grants."""
    async with running_network(directory, [D02, D03, D06], **settings) as network:
        stage = Stage(network)
        schemas = load_schemas("new-home-loan")
        rows = {
            (D03, "ZJ-02"): [contract_row("HT-1", P1, P2), contract_row("HT-2", P1)],
            (D06, "GA-01"): [
                {"name": "测试甲", "id_number": P1.value, "person_status": "正常"},
                {"name": "测试乙", "id_number": P2.value, "person_status": "正常"},
            ],
            (D02, "GJJ-01"): [
                {**example_row(schemas["GJJ-01"]), "pf_account_no": "A-1", "id_number": P1.value, "continuous_months": 14}
            ],
        }
        for (uscc, alias), some in rows.items():
            await network.offer(uscc, alias)
            await network.publish(uscc, alias, some)
        fields = ("contract_no", "filing_status", "buyers")
        stage.grants[D03] = await stage.give(
            D03, D02, "ZJ-02", verify=("contract_no", "filing_status"), query=fields, answer=("contract_count", "contract_exists")
        )
        stage.grants[D06] = await stage.give(D06, D02, "GA-01", verify=("name", "id_number"))
        stage.grants[D02] = await stage.give(D02, D03, "GJJ-01", answer=("months_reached", "has_account"))
        yield stage
