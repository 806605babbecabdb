"""Withdrawals: honoured from the moment they are handed in, relayed to the chain until it shows them.

Rules
1. Whoever has the secret withdraws, at any participant's node; the recorder keeps it, too, so there the person needs no slip.
2. The withdrawal is committed before it is sent; while it is not mined, a background round sends it again, across restarts.
3. A withdrawal is for ever, also after the term; what was done before it stays lawful.

Source: design 5; PIPL art. 15 (as easily as given).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from xinlian.chain.authorisations import commitment
from xinlian.node.acts import Actor, Acts
from xinlian.node.chain_state import AuthorisationState, ChainState
from xinlian.node.following import Following
from xinlian.node.people import Person
from xinlian.node.transactions import Transactions
from xinlian.protocol.acts import ActorRole, ActWord
from xinlian.protocol.errors import ChainError, ConflictError, NotFoundError, XinlianError
from xinlian.protocol.objects import authorisation_object
from xinlian.protocol.types import Uscc
from xinlian.store import authorisations as table
from xinlian.store.authorisations import HandedIn, Ref
from xinlian.store.sealing import Sealer
from xinlian.store.writer import Transaction, Writer

_log = structlog.get_logger(__name__)
ROUND_S = 2.0


@dataclass(frozen=True, slots=True)
class Withdrawing:
    """The use case.

    Args:
        department: USCC of this node.
        writer: node.db.
        sealer: encrypts secrets.
        state: the chain as followed.
        following: whether anything may be sent now.
        transactions: signs with the LAW key; the contract takes any registered signer.
        law_s: law time, epoch seconds.
        acts: who took it goes into the anchored log.
    """

    department: Uscc
    writer: Writer
    sealer: Sealer
    state: ChainState
    following: Following
    transactions: Transactions
    law_s: Callable[[], int]
    acts: Acts
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def withdraw(self, authorisation: bytes, person: Person) -> HandedIn:
        """Withdraw an authorisation of this department's own, on the person's word.

        Raises:
            NotFoundError: ``authorisation-unknown``.
            ConflictError: ``authorisation-withdrawn``.
        """
        with self.writer.read() as reader:
            row = table.by_id(reader, self.sealer, authorisation)
        return await self.hand_in((self.department, authorisation), row.secret, person)

    async def hand_in(self, ref: Ref, secret: bytes, person: Person) -> HandedIn:
        """Take a withdrawal, honour it from now on, and relay it.

        Args:
            ref: recorder and id.
            secret: 32 bytes.
            person: who takes it.

        Returns:
            It; ``relayed_at`` is None while the chain does not show it.

        Raises:
            NotFoundError: ``authorisation-unknown``.
            ConflictError: ``authorisation-forged`` when the secret does not open the commitment, ``authorisation-withdrawn`` when
                the chain shows a withdrawal already.
        """
        known = self._known(ref)
        if commitment(secret) != bytes.fromhex(known.commitment[2:]):
            raise ConflictError("authorisation-forged", "the secret does not open the authorisation", authorisation=ref[1].hex())
        earlier = self.handed_in(ref)
        if earlier is None and known.withdrawn_at is not None:
            raise ConflictError(
                "authorisation-withdrawn",
                "the authorisation was withdrawn already",
                authorisation=ref[1].hex(),
                withdrawn_at=known.withdrawn_at,
            )
        now = self.law_s()

        def job(tx: Transaction) -> None:
            if table.hand_in(tx, self.sealer, ref, secret, now):
                about = authorisation_object(*ref)
                self.acts.write(tx, ActWord.AUTHORISATION_WITHDRAWN, about, None, Actor(person, ActorRole.HANDLER))

        await self.writer.write(job)
        await self._relay(ref, secret)
        found = self.handed_in(ref)
        assert found is not None
        return found

    def handed_in(self, ref: Ref) -> HandedIn | None:
        """A withdrawal that was handed in at this node, None when there was none."""
        with self.writer.read() as reader:
            return table.handed_in(reader, self.sealer, ref)

    async def run(self) -> None:
        """Relay what the chain does not show yet until cancelled."""
        while True:
            await self.once()
            await asyncio.sleep(ROUND_S)

    async def once(self) -> None:
        """One round."""
        if not self.following.may_send:
            return
        with self.writer.read() as reader:
            waiting = table.to_relay(reader, self.sealer)
        for one in waiting:
            await self._relay((one.recorder, one.id), one.secret)

    def _known(self, ref: Ref) -> AuthorisationState:
        known = self.state.authorisation(ref[0], "0x" + ref[1].hex())
        if known is None:
            raise NotFoundError("authorisation-unknown", "the chain knows no such authorisation", authorisation=ref[1].hex())
        return known

    async def _relay(self, ref: Ref, secret: bytes) -> None:
        """Send it, unless the chain shows it; trouble is noted, and the next round tries again."""
        async with self._turn:
            try:
                if self._known(ref).withdrawn_at is None:
                    words = ["0x" + part.hex() for part in (ref[1], secret)]
                    await self.transactions.law("AuthorisationRegistry", "withdraw", ref[0], *words)
            except (ChainError, NotFoundError) as error:
                await self._failed(ref, error)
                return
            except ConflictError as error:
                if error.code != "authorisation-withdrawn":  # somebody else was faster: that is as good
                    await self._failed(ref, error)
                    return
            now = self.law_s()
            await self.writer.write(lambda tx: table.relayed(tx, ref, now))

    async def _failed(self, ref: Ref, error: XinlianError) -> None:
        _log.warning("withdrawal not relayed", recorder=ref[0], authorisation=ref[1].hex(), code=error.code)
        await self.writer.write(lambda tx: table.not_relayed(tx, ref, error.code))
