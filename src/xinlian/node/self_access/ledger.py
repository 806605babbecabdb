"""The authority's side: ask every registered department what its log says about a person, and put the ledger together.

Rules
1. It runs on the node that holds the authority's key only; the key signs every request with the person's login in it.
2. A department that cannot be reached, refuses, or answers what does not hold is *missing*, with the reason: never as if its log
   said nothing. ``complete`` is true only when none is missing.
3. Every request is written down before it is sent, and how it came out; so is the look at this node's own log, which comes
   first: it shows what was before this ledger, not parts of it.
4. Entries are evidence: each is verified against this node's own view; one that does not hold is shown as ``not-proven``. That an
   entry is about this person only its writer can tell: its pseudonym does not leave it.

Source: issue "2 of 5" (the person's ledger); PIPL art. 44, 45.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import orjson

from xinlian.chain.keys import ChainKey
from xinlian.node.asking.line import WINDOW_S, Line, Sealed
from xinlian.node.bundles import Bundles
from xinlian.node.chain_state import ChainState, DepartmentState
from xinlian.node.clock import Clock
from xinlian.node.following import Following
from xinlian.node.peer_client import Reply
from xinlian.node.people import Person
from xinlian.node.self_access.giving import PATH, Giving
from xinlian.node.self_access.logins import Verified
from xinlian.node.self_access.shown import shown
from xinlian.node.self_access.writing import Noted, Writing
from xinlian.protocol.b64 import b64u
from xinlian.protocol.bundle import Bundle, parse
from xinlian.protocol.envelope import Rid
from xinlian.protocol.errors import ConfigError, InputError, PeerError, RefusedError, XinlianError
from xinlian.protocol.messages import SelfAccessAnswer, SelfAccessRequest, dumps_self_access, parse_self_access_answer
from xinlian.protocol.messages.self_access import MAX_PAGE
from xinlian.protocol.statements import ReadRole, SelfAccessOutcome
from xinlian.protocol.types import EpochS, KeyId, Uscc
from xinlian.store.writer import Transaction, Writer

AT_ONCE: Final = 8
MAX_PAGES: Final = 100
CATCH_UP_S: Final = 5.0
PART_S: Final = 60.0
"""How long one department's pages may take; so none keeps the person from what the others say."""


@dataclass(frozen=True, slots=True)
class Part:
    """What one department says: ``complete``, or ``missing`` with the reason's code; entries as far as they came."""

    department: DepartmentState
    state: str
    code: str | None
    entries: tuple[dict[str, Any], ...]

    def to_json(self) -> dict[str, Any]:
        """As the API shows it."""
        return {
            "department": self.department.uscc,
            "name": self.department.name,
            "state": self.state,
            "code": self.code,
            "entries": list(self.entries),
        }


@dataclass(frozen=True, slots=True)
class Ledger:
    """The use case; ``authority_key`` is None on every node but the authority's."""

    department: Uscc
    writer: Writer
    state: ChainState
    clock: Clock
    following: Following
    bundles: Bundles
    line: Line
    giving: Giving
    writing: Writing
    authority_key: ChainKey | None = field(repr=False)

    async def of(self, person: Verified, operator: Person) -> dict[str, Any]:
        """The ledger of a person.

        Args:
            person: verified.
            operator: the official at the counter, or the portal's user.

        Raises:
            ConfigError: ``authority-key-missing`` on any other node.
        """
        self.require_authority()
        gate = asyncio.Semaphore(AT_ONCE)

        async def one(department: DepartmentState) -> Part:
            async with gate:
                return await self._part(department, person, operator)

        every = self.state.department_list()
        own = [await one(department) for department in every if department.uscc == self.department]
        parts = own + await asyncio.gather(*(one(department) for department in every if department.uscc != self.department))
        missing = [part.department.uscc for part in parts if part.state != "complete"]
        login = person.login
        return {
            "login": {"issuer": login.issuer, "method": login.method, "at": login.at},
            "departments": [part.to_json() for part in parts],
            "missing": missing,
            "complete": not missing,
        }

    def require_authority(self) -> ChainKey:
        """The authority's key.

        Raises:
            ConfigError: ``authority-key-missing``.
        """
        if self.authority_key is None:
            raise ConfigError("authority-key-missing", "this node does not hold the authority's key")
        return self.authority_key

    async def _part(self, department: DepartmentState, person: Verified, operator: Person) -> Part:
        found: list[dict[str, Any]] = []
        ask = self._ask_own if department.uscc == self.department else self._ask
        after: int | None = 0
        end = time.monotonic() + PART_S
        try:
            for _ in range(MAX_PAGES):
                answer = await ask(department.uscc, person, operator, after or 0)
                found += await self._entries(department.uscc, answer.entries)
                after = answer.next
                if after is None:
                    return Part(department, "complete", None, tuple(found))
                if time.monotonic() >= end:
                    return Part(department, "missing", "peer-timeout", tuple(found))
        except XinlianError as error:
            code = str(error.fields.get("check") or error.code)
            return Part(department, "missing", code, tuple(found))
        return Part(department, "missing", "too-large", tuple(found))

    # -- asking ------------------------------------------------------------------------------------

    async def _ask(self, to: Uscc, person: Verified, operator: Person, after: int) -> SelfAccessAnswer:
        """One page of another department's log.

        Raises:
            XinlianError: whatever keeps it from being there.
        """
        ends = self.line.ends_to(to)
        keys = ends.signing.kid, ends.sealing_kid, ends.reply_public
        request = await self._signed(self._request(to, person, after, keys))
        sealed = self.line.seal(ends, request, dumps_self_access(request), PATH)
        who = operator.person_id
        attempt = Noted(ReadRole.REQUESTER, SelfAccessOutcome.ATTEMPTED, sealed.digest, None, None, who)
        await self._note(request, attempt)
        try:
            reply = await self.line.send(to, PATH, sealed)
        except XinlianError:
            await self._note(request, replace(attempt, outcome=SelfAccessOutcome.NO_ANSWER))
            raise
        answered = replace(attempt, answer_digest=hashlib.sha256(reply.body).digest())
        try:
            answer = await self._opened(request, sealed, reply)
        except XinlianError:
            await self._note(request, replace(answered, outcome=SelfAccessOutcome.NOT_PROVEN))
            raise
        if answer.check is not None:
            await self._note(request, replace(answered, outcome=SelfAccessOutcome.REFUSED))
            raise RefusedError(answer.check.code, f"the department refuses: {answer.check.value}", check=answer.check.value)
        await self._note(request, replace(answered, outcome=SelfAccessOutcome.GIVEN, entries=len(answer.entries)))
        return answer

    async def _ask_own(self, to: Uscc, person: Verified, operator: Person, after: int) -> SelfAccessAnswer:
        """One page of this node's own log; the look is written down like everybody else's."""
        entries, following = await asyncio.to_thread(self.giving.page, person.subject, after, MAX_PAGE)
        request = self._request(to, person, after, (KeyId(""), KeyId(""), b""))
        digest = hashlib.sha256(request.signed_text()).digest()
        given = SelfAccessOutcome.GIVEN
        await self._note(request, Noted(ReadRole.PROVIDER, given, digest, None, len(entries), operator.person_id))
        return SelfAccessAnswer(request.rid, digest, self.giving.providing.view(), None, tuple(entries), following)

    def _request(self, to: Uscc, person: Verified, after: int, keys: tuple[KeyId, KeyId, bytes]) -> SelfAccessRequest:
        now = int(self.clock.wall_s())
        return SelfAccessRequest(
            rid=Rid(b64u(os.urandom(16))),
            from_uscc=self.department,
            to_uscc=to,
            signing_kid=keys[0],
            sealing_kid=keys[1],
            reply_key=keys[2],
            subject=person.subject,
            login=person.login,
            after=after,
            limit=MAX_PAGE,
            created=EpochS(now),
            expires=EpochS(now + WINDOW_S),
        )

    async def _signed(self, request: SelfAccessRequest) -> SelfAccessRequest:
        return replace(request, signature=await self.require_authority().sign(request.signed_text()))

    async def _note(self, request: SelfAccessRequest, noted: Noted) -> None:
        def job(tx: Transaction) -> None:
            self.writing.write(tx, request, noted)

        await self.writer.write(job)

    async def _opened(self, request: SelfAccessRequest, sealed: Sealed, reply: Reply) -> SelfAccessAnswer:
        if reply.status != 200 or "xinlian-envelope" not in reply.headers:
            code = reply.problem_code()
            raise PeerError("peer-refused", f"the department's node refuses the call ({code})", reason=code)
        return parse_self_access_answer(await self.line.opened(sealed, reply), request, sealed.digest)

    # -- what came ---------------------------------------------------------------------------------

    async def _entries(self, department: Uscc, given: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """The entries as shown, each with its verdict.

        Raises:
            PeerError: ``peer-answer`` when one is no entry at all.
        """
        try:
            bundles = [parse(orjson.dumps(entry)) for entry in given]
            blocks = [bundle.receipt.block_number for bundle in bundles if bundle.receipt is not None]
            await self.following.reach(max(blocks, default=0), CATCH_UP_S)
            return await asyncio.to_thread(lambda: [shown(department, bundle, self._exit_code(bundle)) for bundle in bundles])
        except InputError as error:
            raise PeerError("peer-answer", "the department's node gave something that is no entry of a log") from error

    def _exit_code(self, bundle: Bundle) -> int:
        return int(self.bundles.verify_parsed(bundle).exit_code)
