"""Kinds of approvals: what may be proposed, by whom, who consents, and what is done then.

A kind is registered once, when the node is built. Its functions get the proposal and never the persons' tokens or the store's
transaction; what they raise is told to the caller (``validate``) or kept as the approval's failure (``perform``).

Example::

    approvals.register(Kind("dataset-propose", validate=check, perform=send, find_done=on_chain))
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from xinlian.node.people import Person, Role
from xinlian.protocol.acts import ActWord
from xinlian.protocol.clocks import Term
from xinlian.protocol.documents import Document

Result = Mapping[str, object]
"""What an action gives back: codes, numbers and hashes, no personal data."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """What was proposed.

    Args:
        kind: name of the kind.
        object_ref: what it is about.
        payload: members of the kind's own, JSON types.
        document: digest of the proposal's text, 32 bytes; empty while it is being validated for the first time.
    """

    kind: str
    object_ref: str
    payload: Mapping[str, Any]
    document: bytes = b""


@dataclass(frozen=True, slots=True)
class Signatures:
    """Who stands behind a consent.

    Args:
        handler: 经办, who proposed it last.
        head: 负责人, who consents.
        at: law time of the consent, epoch seconds.
    """

    handler: Person
    head: Person
    at: int

    def to_json(self) -> dict[str, object]:
        """As texts name them."""
        return {"handler": _named(self.handler), "office_head": _named(self.head), "at": self.at}


@dataclass(frozen=True, slots=True)
class Consented:
    """What an action carries out.

    Args:
        approval_id: of which approval.
        proposal: what was proposed.
        document: the text that was consented to; its digest goes on chain.
    """

    approval_id: int
    proposal: Proposal
    document: Document


@dataclass(frozen=True, slots=True)
class Text:
    """The text that a consent signs: which form, and its members."""

    form: str
    content: Mapping[str, object]


def consent_text(proposal: Proposal, signatures: Signatures) -> Text:
    """The plain consent: it names the proposal by the digest of its text."""
    content = {"kind": proposal.kind, "proposal": proposal.document.hex(), "approved_by": signatures.to_json()}
    return Text("consent", content)


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind.

    Args:
        name: kebab-case, never reused.
        validate: raises when the proposal is wrong or its time has not come; runs when it is proposed and before the consent.
        perform: carries it out, most often one transaction; what is refused for good it raises.
        find_done: the result, when the chain (or whatever ``perform`` changes) already shows it; else None. It is asked
            before a second attempt, so that nothing is done twice.
        compose: the text that the consent signs.
        act: the transition that its action brings about, stated in the anchored log when it is done; None for none.
        term: the statutory term that runs for an object while it waits for this step, None for none.
        proposers: any one of these roles suffices to propose.
        consenters: any one of these roles suffices to consent and to send back.
    """

    name: str
    validate: Callable[[Proposal], Awaitable[None]]
    perform: Callable[[Consented], Awaitable[Result]]
    find_done: Callable[[Consented], Awaitable[Result | None]]
    compose: Callable[[Proposal, Signatures], Text] = consent_text
    act: ActWord | None = None
    term: Callable[[str], Term | None] | None = None
    proposers: frozenset[Role] = frozenset({Role.SHARING})
    consenters: frozenset[Role] = frozenset({Role.HEAD})


def _named(person: Person) -> dict[str, object]:
    return {"person_id": person.person_id, "name": person.name, "post": person.post}
