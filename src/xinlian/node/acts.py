"""Who acted: an anchored statement for every step of a person and for every transition that a consent gave effect to.

Rules
1. A statement is written in the transaction of its step: neither exists without the other.
2. It goes into the stream ``reads``, so the log that proves who used data also proves who decided about it.
3. The person stands in disclosures; a bundle holds those that its caller asks for.

Source: dossier 2.1, 2.6; design 4.2.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from xinlian.node.approvals import Change
from xinlian.node.bundles import Bundles
from xinlian.node.paging import Page, Window, first_of
from xinlian.node.people import Person, person_at
from xinlian.node.sealing import new_record_id
from xinlian.protocol.acts import ActClear, ActDisclosed, ActorRole, ActStatement, ActWord, parse_act, seal_act
from xinlian.protocol.bundle import Bundle
from xinlian.protocol.errors import InputError
from xinlian.protocol.record import RECORD_KEY_BYTES, parse_disclosure
from xinlian.protocol.statements.form import StatementIds
from xinlian.protocol.types import EpochS, Stream, Uscc
from xinlian.store import acts as table
from xinlian.store import approvals
from xinlian.store.approvals import Act, State
from xinlian.store.sealing import Random, Sealer
from xinlian.store.statuses import Standings
from xinlian.store.writer import Transaction, Writer

_ROLES = {
    Act.PROPOSED: ActorRole.HANDLER,
    Act.WITHDRAWN: ActorRole.HANDLER,
    Act.CONSENTED: ActorRole.HEAD,
    Act.SENT_BACK: ActorRole.HEAD,
}


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a person, in which role, within which approval (None outside of one)."""

    person: Person
    role: ActorRole
    approval: int | None = None


@dataclass(frozen=True, slots=True)
class ActInfo:
    """An act statement as shown; its position is its number on this node."""

    position: int
    statement: ActStatement
    is_anchored: bool


class Acts:
    """The use case.

    Args:
        department: USCC of this node.
        writer: node.db.
        sealer: encrypts disclosures.
        random: source of record keys.
        law_s: law time, epoch seconds.
    """

    def __init__(self, department: Uscc, writer: Writer, sealer: Sealer, random: Random, law_s: Callable[[], int]) -> None:
        self._department = department
        self._writer = writer
        self._sealer = sealer
        self._random = random
        self._law_s = law_s

    # -- writing -----------------------------------------------------------------------------------

    def write(self, tx: Transaction, act: ActWord, object_ref: str, document: bytes | None, actor: Actor) -> int:
        """State an act, inside the transaction of the step.

        Args:
            tx: of node.db.
            act: what is done.
            object_ref: to what.
            document: digest of the step's text; None for a step without one.
            actor: who does it.

        Returns:
            Its position in the stream ``reads``.

        Raises:
            InputError: ``statement-form`` when a member is not of its form.
        """
        now = EpochS(self._law_s())
        ids = StatementIds(self._department, new_record_id(), now)
        clear = ActClear(act, object_ref, now, document)
        disclosed = ActDisclosed(actor.person.person_id, actor.person.post, actor.role, actor.approval)
        sealed = seal_act(ids, clear, disclosed, self._random(RECORD_KEY_BYTES))
        entry = table.ActEntry(sealed.leaf, sealed.statement, "~".join(sealed.disclosures), object_ref, act.value, now)
        return table.insert(tx, self._sealer, entry, self._department, ids.jti)

    def observe(self, word_of: Callable[[str], ActWord | None]) -> Callable[[Transaction, Change], None]:
        """What ``Approvals.observe`` takes.

        Args:
            word_of: the transition that a kind of approval brings about, None for none.
        """

        def seen(tx: Transaction, change: Change) -> None:
            approval, step = change.approval, change.step
            if step is not None and change.person is not None:
                actor = Actor(change.person, _ROLES[step.act], approval.id)
                self.write(tx, ActWord(step.act.value), approval.object_ref, step.document, actor)
            elif approval.state is State.DONE:
                self._transition(tx, approval, word_of(approval.kind))

        return seen

    def _transition(self, tx: Transaction, approval: approvals.Approval, word: ActWord | None) -> None:
        """The transition is stated as the act of the head who consented to it."""
        if word is None:
            return
        steps = approvals.steps_of(tx, [approval.id])[approval.id]
        head = next(step.user_id for step in reversed(steps) if step.act is Act.CONSENTED)
        self.write(tx, word, approval.object_ref, approval.document, Actor(person_at(tx, head), ActorRole.HEAD, approval.id))

    # -- looking -----------------------------------------------------------------------------------

    def page(self, window: Window, object_ref: str | None) -> Page[ActInfo]:
        """Acts in order, all or those about one object."""
        after = 0 if window.after is None else int(window.after[0])
        with self._writer.read() as reader:
            entries = table.page(reader, self._sealer, after, window.limit + 1, object_ref)
            standings = Standings(reader, self._department, Stream.READS)
            batches = [standings.batch_of(entry.position) for entry in entries]
        found = [
            ActInfo(entry.position, _parsed(entry), batch is not None and batch.state == "final")
            for entry, batch in zip(entries, batches, strict=True)
        ]
        return first_of(found, window, lambda info: (info.position,))

    def bundle(self, bundles: Bundles, position: int, fields: Sequence[str] | None) -> Bundle:
        """The evidence bundle of an act.

        Args:
            bundles: makes receipts.
            position: of the act.
            fields: names to disclose; None for all, empty for none.

        Raises:
            NotFoundError: ``act-unknown``.
            InputError: ``field-unknown``.
        """
        with self._writer.read() as reader:
            entry = table.at(reader, self._sealer, position)
        by_name = {parse_disclosure(text).name: text for text in entry.disclosures.split("~")}
        wanted = list(by_name) if fields is None else fields
        for name in wanted:
            if name not in by_name:
                raise InputError("field-unknown", f"an act has no member {name[:40]}", expected=sorted(by_name))
        return bundles.statement_bundle(entry.statement, tuple(by_name[name] for name in wanted), Stream.READS, position)


def _parsed(entry: table.ActEntry) -> ActStatement:
    return parse_act(entry.statement, entry.disclosures.split("~"))
