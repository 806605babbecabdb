"""What the persons of the sharing office work with, put together: texts, acts, approvals, proposals, inbox; and what tells their
own systems of it.

A part of the object graph (``graph``) of its own: every step of the law needs these, whatever contract it ends in.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass

from xinlian.node.acts import Acts
from xinlian.node.approvals import Approvals, ExecutionParts
from xinlian.node.calendar import WorkingDays
from xinlian.node.catalogue import Catalogue
from xinlian.node.catalogue_steps import CatalogueSteps
from xinlian.node.chain_state import ChainState
from xinlian.node.clock import Clock
from xinlian.node.documents import Documents, Sides
from xinlian.node.handing import Handing
from xinlian.node.inbox import Inbox
from xinlian.node.necessity import Necessity
from xinlian.node.notices.texts import ReceivedTexts
from xinlian.node.proposing import Proposing
from xinlian.node.settings import Settings
from xinlian.node.sharing import RequestApprovals, SharingRequests, requests_waiting
from xinlian.node.todos import approvals_waiting, own_entries_waiting, reviews_waiting
from xinlian.node.transactions import Transactions
from xinlian.node.webhooks import Addresses, Delivering, Events, Webhooks, approval_events, text_events
from xinlian.protocol.types import Uscc
from xinlian.store.sealing import Sealer
from xinlian.store.writer import Writer


@dataclass(frozen=True, slots=True)
class OfficeParts:
    """What the office needs of the node."""

    department: Uscc
    writer: Writer
    sealer: Sealer
    state: ChainState
    clock: Clock
    transactions: Transactions
    catalogue: Catalogue
    working_days: WorkingDays
    settings: Settings


@dataclass(frozen=True, slots=True)
class Office:
    """The use cases."""

    documents: Documents
    handing: Handing
    received_texts: ReceivedTexts
    acts: Acts
    approvals: Approvals
    proposing: Proposing
    catalogue_steps: CatalogueSteps
    requests: SharingRequests
    request_approvals: RequestApprovals
    inbox: Inbox
    events: Events
    webhooks: Webhooks
    delivering: Delivering


def office_of(parts: OfficeParts) -> Office:
    """Build them; every kind of approval that needs no more than the office is registered."""
    clock = parts.clock
    authority = parts.settings.authority_department
    sides = Sides(parts.department, None if authority is None else Uscc(authority))
    documents = Documents(sides, parts.writer, parts.sealer, os.urandom, clock.law_s, parts.state)
    acts = Acts(parts.department, parts.writer, parts.sealer, os.urandom, clock.law_s)
    execution = ExecutionParts(parts.writer, parts.transactions.settled, clock.law_s, time.monotonic)
    approvals = Approvals(parts.writer, documents, execution)
    approvals.observe(acts.observe(approvals.transition_of))
    events = Events(parts.department, clock.law_s, clock.wall_s)
    approvals.observe(approval_events(events))
    proposing = Proposing(parts.catalogue, approvals)
    department, state, catalogue, read = parts.department, parts.state, parts.catalogue, parts.working_days.read
    requests = SharingRequests(department, state, catalogue, parts.transactions, clock.law_s, read)
    matrices = Necessity.of_shipped_scenarios()
    request_approvals = RequestApprovals(department, requests, state, catalogue, matrices, approvals, documents, read)
    catalogue_steps = CatalogueSteps(department, state, parts.transactions, approvals, clock.law_s)
    approvals.register(proposing.kind(), *request_approvals.kinds(), *catalogue_steps.kinds())
    webhooks, delivering = _webhooks(parts, events)
    return Office(
        documents=documents,
        handing=Handing(documents, clock.wall_s),
        received_texts=ReceivedTexts(documents, text_events(events)),
        acts=acts,
        approvals=approvals,
        proposing=proposing,
        catalogue_steps=catalogue_steps,
        requests=requests,
        request_approvals=request_approvals,
        inbox=_inbox(parts, approvals),
        events=events,
        webhooks=webhooks,
        delivering=delivering,
    )


def _webhooks(parts: OfficeParts, events: Events) -> tuple[Webhooks, Delivering]:
    settings, wall_s = parts.settings, parts.clock.wall_s
    addresses = Addresses(settings.webhook_allowed_hosts, development=settings.development)
    schedule, timeout_s = settings.webhook_retry_s, settings.webhook_timeout_s
    delivering = Delivering(parts.writer, parts.sealer, addresses, schedule, timeout_s, wall_s)
    return Webhooks(parts.writer, parts.sealer, addresses, events, wall_s), delivering


def _inbox(parts: OfficeParts, approvals: Approvals) -> Inbox:
    inbox = Inbox(parts.working_days.read)
    inbox.register(
        lambda: approvals_waiting(approvals, parts.clock.law_s),
        lambda: reviews_waiting(parts.state),
        lambda: own_entries_waiting(parts.state, parts.department),
        lambda: requests_waiting(parts.state, parts.department),
    )
    return inbox
