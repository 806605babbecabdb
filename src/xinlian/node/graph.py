"""The object graph of a node, built in one place from its settings.

Rules
1. Nothing connects, opens or reads the environment before ``build`` is called; background work begins with ``Node.running``.
2. A node starts without the chain when it has followed it before; the very first start needs the chain.
3. ``build`` locks and migrates the store and replays the projection; what a stop interrupted is finished by ``life``.

Example::

    node = await build(load_settings(Path("node.toml")))
    async with node.running():
        …
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

from xinlian.chain.follower import Follower
from xinlian.chain.rpc import Rpc
from xinlian.node.agreeing import Agreeing
from xinlian.node.anchoring import Anchoring, AnchoringLimits
from xinlian.node.asking import Asking, AskingParts, Fetching
from xinlian.node.attachments import library_of
from xinlian.node.authorisations import AuthorisationParts, authorisations_of
from xinlian.node.authority import Authority
from xinlian.node.bundles import Bundles
from xinlian.node.calendar import WorkingDays
from xinlian.node.cases import Cases
from xinlian.node.catalogue import Catalogue, SchemaFetcher
from xinlian.node.chain_keys import chain_keys
from xinlian.node.chain_state import ChainState
from xinlian.node.clock import Clock
from xinlian.node.completeness import Completeness
from xinlian.node.corrections import Applications, CorrectionParts, Disputes, Doubts, corrections_of
from xinlian.node.duties import Duties
from xinlian.node.ends import EndsParts, ends_of
from xinlian.node.files import Limits
from xinlian.node.following import Following
from xinlian.node.health import Health, HealthParts
from xinlian.node.idempotency import Idempotency
from xinlian.node.identity import Identity
from xinlian.node.late_receipts import LateReceipts
from xinlian.node.liability import LiabilityParts, liability_of
from xinlian.node.life import Node
from xinlian.node.local_view import CheckedChain, LocalView
from xinlian.node.notices.telling import TellingParts
from xinlian.node.office import Office, OfficeParts, office_of
from xinlian.node.outbox import Outbox
from xinlian.node.peer_client import PeerClient
from xinlian.node.peers import Peers
from xinlian.node.people import People
from xinlian.node.providing import Providing, ProvidingLimits, ProvidingParts
from xinlian.node.publishing import Publishing
from xinlian.node.rate import RateLimit
from xinlian.node.reads import Reads
from xinlian.node.reattach import Reattaching
from xinlian.node.reconciling import Reconciling
from xinlian.node.records import Records
from xinlian.node.recovery import Recovery
from xinlian.node.reindexing import storage_keys
from xinlian.node.sealing import SealingPool
from xinlian.node.self_access import self_access_of
from xinlian.node.settings import Settings
from xinlian.node.sharing import Grants
from xinlian.node.signers import Signers
from xinlian.node.transactions import Transactions
from xinlian.node.upkeep import Upkeep
from xinlian.node.webhooks import batch_events, correction_events, notice_events, step_events
from xinlian.protocol import manifest
from xinlian.protocol.clocks import LightRule
from xinlian.protocol.errors import ConfigError, PeerError
from xinlian.protocol.manifest import Deployment
from xinlian.protocol.types import Uscc
from xinlian.store.blobs import BlobStore
from xinlian.store.opening import Store, open_store
from xinlian.store.secrets import NodeKeys
from xinlian.store.writer import Transaction

KEYS_DIR = "keys"
BLOBS_DIR = "blobs"


def read_deployment(path: Path) -> Deployment:
    """Read the deployment manifest.

    Raises:
        ConfigError: ``deployment-missing``.
        InputError: ``manifest-form``.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ConfigError("deployment-missing", f"the deployment manifest {path} cannot be read") from error
    return manifest.parse(data)


async def build(settings: Settings) -> Node:
    """Build a node; opens its store and keys, does not talk to the chain.

    Raises:
        ConfigError: ``passphrase-missing``, ``passphrase-wrong``, ``keys-missing``, ``deployment-missing``.
        StoreError: ``store-locked``, ``store-schema``, ``store-io``.
    """
    deployment = read_deployment(settings.deployment)
    keys = NodeKeys.load(settings.data_dir / KEYS_DIR, settings.passphrase_bytes().decode())
    store = open_store(settings.data_dir)
    try:
        return _assemble(settings, deployment, keys, store)
    except BaseException:
        store.close()
        raise


def _assemble(settings: Settings, deployment: Deployment, keys: NodeKeys, store: Store) -> Node:
    department = Uscc(settings.department)
    wall = time.time
    sealer, storage = keys.sealer(os.urandom), storage_keys(keys, store)
    clock, state = Clock(), ChainState()
    rpcs = tuple(Rpc(url) for url in settings.rpc_urls)
    rpc = rpcs[0]
    following = Following(department, store.node, state, clock, deployment.confirmations, settings.poll_interval_s)
    following.restore(wall())
    signing = chain_keys(settings, keys)
    transactions = Transactions(rpc, deployment, signing, store.node, following, wall)
    client = PeerClient(settings.peer_timeout_s, development=settings.development)
    working_days = WorkingDays(state, clock.law_s, LightRule(settings.yellow_left_wd, settings.yellow_used_percent), transactions)
    peers = Peers(state)
    identity = Identity(department, keys, state, peers, transactions, wall)
    catalogue = Catalogue(department, store.node, state, transactions, _schema_fetcher(state, client), wall)
    office = office_of(OfficeParts(department, store.node, sealer, state, clock, transactions, catalogue, working_days, settings))
    _listen(following, office, step_events(office.events, state, department, is_authority=transactions.is_authority))
    reads = Reads(department, store.node, sealer, keys.storage.pseudonym, clock.law_s)
    anchoring = Anchoring(
        department,
        store.node,
        transactions,
        AnchoringLimits(settings.batch_max_leaves, settings.batch_max_age_s, settings.reads_max_age_s),
        clock.law_s,
        time.monotonic,
    )
    reattaching = Reattaching(department, store.node, rpc, state, following, settings.deployment)
    anchoring.halted = lambda: not following.may_send or bool(reattaching.missing())
    pool = SealingPool(storage, settings.sealing_processes)
    library = library_of(settings, keys, store, BlobStore.at(settings.data_dir / BLOBS_DIR, os.urandom), wall)
    liability = liability_of(
        LiabilityParts(department, store.node, sealer, state, clock, following, catalogue, office, settings, library.sweep)
    )
    publishing = Publishing(store, storage, pool, catalogue, clock.law_s, anchoring.woken, _limits(settings), library)
    records = Records(department, store, storage, catalogue)
    view = LocalView(_checked(deployment), state, store.node, clock)
    bundles = Bundles(department, store.node, sealer, deployment, view, records, identity, clock.law_s)
    cases = Cases(department, store.node, sealer, state, transactions, reads)
    authorisations = authorisations_of(
        AuthorisationParts(
            department,
            store.node,
            sealer,
            state,
            catalogue,
            reads,
            following,
            transactions,
            clock.law_s,
            office.acts,
            office.documents,
            library.keeping,
        )
    )
    rate = RateLimit(settings.unauthenticated_per_minute)
    providing = Providing(
        ProvidingParts(
            department,
            store,
            sealer,
            state,
            clock,
            identity,
            peers,
            catalogue,
            records,
            bundles,
            reads,
            library.keeping,
            Disputes(department, state, Applications(office.documents), reads),
            authorisations.shelf,
        ),
        ProvidingLimits(settings.max_view_age_s, settings.anchor_promise_s, settings.verify_attempts),
        anchoring.woken,
        rate,
    )
    asking = Asking(
        AskingParts(
            department,
            store,
            sealer,
            state,
            clock,
            identity,
            peers,
            catalogue,
            cases,
            bundles,
            reads,
            following,
            client,
            settings.max_view_age_s,
            authorisations.shelf,
            Doubts(department, state, Applications(office.documents)),
        )
    )
    ends = ends_of(
        settings,
        EndsParts(
            TellingParts(department, store.node, sealer, state, clock, identity, peers, client),
            store,
            reads,
            office.received_texts,
            liability.received_findings,
            notice_events(office.events),
            correction_events(office.events),
            records,
            library.keeping,
            anchoring,
            following,
            rate,
            deployment.confirmations,
        ),
    )
    health = Health(
        HealthParts(
            department,
            state,
            clock,
            following,
            anchoring,
            settings.view_warn_age_s,
            settings.max_view_age_s,
            identity.current_signing,
            lambda: rate.total,
            reattaching.missing,
            ends.parking,
        )
    )
    return Node(
        settings=settings,
        deployment=deployment,
        store=store,
        rpcs=rpcs,
        state=state,
        clock=clock,
        following=following,
        follower=Follower(rpc, deployment, following),
        transactions=transactions,
        working_days=working_days,
        recovery=Recovery(department, state, working_days, clock.law_s, transactions),
        signers=Signers(department, state, transactions),
        people=People(store.node, wall, settings.token_days),
        idempotency=Idempotency(store.node, sealer, keys.storage.column, wall),
        documents=office.documents,
        handing=office.handing,
        acts=office.acts,
        approvals=office.approvals,
        catalogue=catalogue,
        proposing=office.proposing,
        catalogue_steps=office.catalogue_steps,
        inbox=office.inbox,
        findings=liability.findings,
        use_records=liability.use_records,
        disposing=liability.disposing,
        events=office.events,
        webhooks=office.webhooks,
        delivering=office.delivering,
        publishing=publishing,
        library=library,
        records=records,
        ending=ends.ending,
        anchoring=anchoring,
        outbox=Outbox(store.node),
        bundles=bundles,
        identity=identity,
        requests=office.requests,
        request_approvals=office.request_approvals,
        grants=Grants(department, state, catalogue, clock.law_s),
        corrections=corrections_of(
            CorrectionParts(
                department,
                store,
                state,
                clock,
                transactions,
                catalogue,
                working_days,
                records,
                reads,
                library.keeping,
                office,
                ends.notices,
            )
        ),
        cases=cases,
        providing=providing,
        rate=rate,
        asking=asking,
        fetching=Fetching(asking.parts, library, time.monotonic),
        reads=reads,
        reconciling=Reconciling(
            department, state, clock, identity, peers, reads, client, bundles, following, settings.anchor_promise_s, rate
        ),
        late_receipts=LateReceipts(store.node, sealer, state, clock, following, bundles, client),
        authorisations=authorisations,
        self_access=self_access_of(settings, asking.parts, providing, signing.get("authority")),
        authority=Authority(transactions),
        health=health,
        agreeing=Agreeing(rpcs, deployment, following, period_s=settings.rpc_compare_s),
        completeness=Completeness(rpc, deployment, following, period_s=settings.rpc_compare_s),
        reattaching=reattaching,
        upkeep=Upkeep(
            store.node, state, wall, store.keys, settings.data_dir / "key-backups", settings.idempotency_days, library.sweep
        ),
        restoring=ends.restoring,
        notices=ends.notices,
        duties=Duties(store.node, cases, wall),
        parking=ends.parking,
        pool=pool,
        client=client,
        chain_keys=signing,
    )


def _listen(following: Following, office: Office, steps: Callable[[Transaction, int], None]) -> None:
    """Who is told of what the follower stores, inside its transaction."""
    following.on_final, following.on_events = batch_events(office.events), office.handing.followed
    following.on_final_block = steps


def _limits(settings: Settings) -> Limits:
    """How much one publishing call may hold."""
    return Limits(max_file_bytes=settings.upload_max_bytes, max_rows=settings.upload_max_rows)


def _checked(deployment: Deployment) -> CheckedChain:
    """What the follower compares with the chain before its first step and after every lost contact."""
    codes = {contract.address.lower(): contract.code_hash for contract in deployment.contracts.values()}
    return CheckedChain(deployment.chain_id, deployment.genesis_hash, codes)


def _schema_fetcher(state: ChainState, client: PeerClient) -> SchemaFetcher:
    async def fetch(uscc: str, digest: str) -> bytes:
        owner = state.department(uscc)
        if owner is None:
            raise PeerError("peer-endpoint", "the dataset's owner is not registered", department=uscc)
        reply = await client.get(owner.endpoint, f"/exchange/v1/schemas/{digest}")
        if reply.status != 200:
            raise PeerError("peer-refused", "the owner's node does not hand out the schema file", department=uscc)
        return reply.body

    return fetch
