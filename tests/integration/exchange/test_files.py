"""Files between departments: granted, piece by piece, resumed, verified, logged once, disposed of."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest
import pytest_asyncio

from tests.support.attachments import pdf, upload_fields
from tests.support.datasets import file_document, file_row
from tests.support.exchange import P1, P2, PURPOSE, Stage
from tests.support.http import Client, client_of, token_for
from tests.support.network import D02, D03, Running
from tests.support.notices import settled
from xinlian.node.asking import AskItem, Question, Wanted
from xinlian.node.asking import files as fetching_module
from xinlian.node.asking.file_source import source_of
from xinlian.node.people import Role
from xinlian.protocol.attachments import PDF
from xinlian.protocol.dataset import load_schema
from xinlian.protocol.errors import ConflictError, EvidenceError, InputError, NotFoundError, PeerError, RefusedError
from xinlian.protocol.messages import (
    MAX_OPENING_BYTES,
    FileAnswer,
    ProviderCheck,
    dumps_file_answer,
    parse_file_answer,
)
from xinlian.protocol.report import Outcome
from xinlian.protocol.verification_files import GivenFile, with_files
from xinlian.store import attachments as table
from xinlian.store import blob_keys, file_transfers, streams, use

SIZE = 20 * (1 << 20) + 77
"""Opening piece, two whole pieces and a rest."""


class Files:
    """D03 has a dataset with file fields; P1's record names a large file, P2's a small one; D02 may query them."""

    def __init__(self, stage: Stage, grant: int) -> None:
        self.stage, self.grant = stage, grant
        self.large, self.small = pdf(SIZE), pdf(5_000)
        self.records: dict[str, str] = {}

    @property
    def provider(self) -> Running:
        return self.stage[D03]

    @property
    def requester(self) -> Running:
        return self.stage[D02]

    async def asked(self, subject: Any = P1, case: str | None = None, fields: tuple[str, ...] = ("no", "scan")) -> Wanted:
        """Query a record within a case; its file as a caseworker names it."""
        number = case if case is not None else await self.stage.case(P1, P2)
        question = Question(D03, self.grant, (D02, number), PURPOSE, "query", fields, None, {}, (AskItem((subject,), {}),))
        found = await self.requester.node.asking.ask(question, self.requester.person)
        assert found.state == "received", found
        return Wanted(found.rid, 0, found.items[0].records[0]["record_id"], "scan")

    async def fetch(self, wanted: Wanted) -> table.Attachment:
        return await self.requester.node.fetching.fetch(wanted, self.requester.person)

    def content(self, row: table.Attachment) -> bytes:
        return b"".join(self.requester.node.library.keeping.parts(row))

    def transfers(self) -> list[file_transfers.Transfer]:
        with self.provider.node.store.node.read() as reader:
            rids = [row[0] for row in reader.fetch("SELECT rid FROM file_transfers ORDER BY rowid")]
            found = [file_transfers.transfer(reader, rid) for rid in rids]
        return [one for one in found if one is not None]

    async def findings(self) -> dict[str, Any]:
        """What reconciling the two logs finds; other tests leave some on purpose."""
        found = await self.requester.node.reconciling.ask(D03)
        return {name: found[name] for name in ("missing_here", "missing_there", "differing", "repeated")}

    def reads(self, uscc: str, after: int) -> list[streams.ReadEntry]:
        """Entries of a node after a position."""
        node = self.stage[uscc].node
        with node.store.node.read() as reader:
            return streams.reads_page(reader, node.asking._p.sealer, after, 1_000)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def files(stage: Stage) -> AsyncIterator[Files]:
    document = file_document()
    code = document["x-catalogue"]
    code |= {"catalog_code": f"{D03}/000099", "alias": "WJ-01", "provider": {**code["provider"], "uscc": D03}}
    code |= {"source_dept_uscc": D03, "allowed_purposes": [PURPOSE]}
    schema = load_schema(json.dumps(document).encode())
    await stage.network.propose(D03, schema.source)
    await stage.network.decide("publish", schema.code, schema.version)
    await stage.network.in_step()
    grant = await stage.give(D03, D02, "WJ-01", query=("no", "scan", "state"))
    made = Files(stage, grant)
    async with client_of(stage[D03]) as client:
        for number, (subject, content) in enumerate(((P1, made.large), (P2, made.small)), 1):
            uploaded = await client.send("/api/v1/attachments", content, PDF, **upload_fields(content))
            row = {**file_row(number, uploaded.ok(201)["id"]), "person": subject.value}
            row["owners"] = [{"name": "测试", "id_number": None, "proof": None}]
            sent = await client.post("/api/v1/datasets/WJ-01/records", json=row, headers={"Prefer": "wait=30"})
            made.records[subject.value] = sent.ok(201)["record_id"]
    yield made


pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_file_comes_in_pieces_and_is_the_one_disclosed(files: Files) -> None:
    wanted = await files.asked()
    before, findings = {uscc: files.stage.read_count(uscc) for uscc in (D02, D03)}, await files.findings()
    row = await files.fetch(wanted)
    assert (row.state, row.origin, row.media_type, row.name) == ("complete", "received", PDF, "授权书.pdf")
    assert files.content(row) == files.large
    transfer = files.transfers()[-1]
    assert (transfer.requester, transfer.pieces, transfer.bytes, transfer.field) == (D02, 4, SIZE, "scan")
    theirs, ours = files.reads(D03, before[D03]), files.reads(D02, before[D02])
    assert [(e.rid, e.role, e.outcome) for e in theirs] == [(transfer.rid, "provider", "file")]
    assert [(e.rid, e.role, e.outcome) for e in ours] == [
        (transfer.rid, "requester", "attempted"),
        (transfer.rid, "requester", "file"),
    ]
    again = await files.fetch(wanted)
    assert again == row  # it is here: nothing is asked again
    assert len(files.transfers()) == 1 + files.transfers().index(transfer)
    assert await files.findings() == findings


async def test_the_fetched_file_is_checked_against_the_bundle_that_came_with_the_record(files: Files) -> None:
    wanted = await files.asked()
    content = files.content(await files.fetch(wanted))
    async with client_of(files.requester) as client:
        items = (await client.get(f"/api/v1/queries/{wanted.rid}/bundles")).ok()["items"]
    report = files.requester.node.bundles.verify(json.dumps(items[0]).encode(), None)
    assert [(name, value.name) for name, value in report.attachments] == [("scan", "授权书.pdf")]
    for data, outcome in ((content, Outcome.PASSED), (content[:-1], Outcome.FAILED)):
        checked = with_files(report, [GivenFile("f", sha256(data).hexdigest(), len(data))])
        assert checked.check("attachment").outcome is outcome


async def test_a_small_file_takes_one_piece(files: Files) -> None:
    row = await files.fetch(await files.asked(P2))
    assert files.content(row) == files.small
    assert files.transfers()[-1].pieces == 1


async def test_the_same_file_in_another_case_is_another_transfer(files: Files) -> None:
    before = len(files.transfers())
    rows = [await files.fetch(await files.asked(P2)) for _ in range(2)]
    assert rows[0].id != rows[1].id
    assert len(files.transfers()) == before + 2


async def test_received_values_and_files_are_seen_by_caseworkers_only(files: Files) -> None:
    wanted = await files.asked(P2)
    async with client_of(files.requester) as client:
        body = {"item": 0, "record_id": wanted.record_id, "field": "scan"}
        shown = (await client.post(f"/api/v1/queries/{wanted.rid}/attachments", json=body)).ok()
        assert shown["received"] == {"query": wanted.rid, "item": 0, "record_id": wanted.record_id, "field": "scan"}
        path = f"/api/v1/attachments/{shown['id']}"
        assert (await client.get(path)).body == files.small
        for role, status in ((Role.CASEWORKER, 200), (Role.PUBLISHER, 403), (Role.SHARING, 403)):
            other = client.with_token(await token_for(files.requester, role))
            assert (await other.get(path)).status == status
            assert ("name" in (await other.get(path + "/state")).ok()) == (status == 200)
        assert (await client.call("DELETE", path)).status == 403


@contextmanager
def answering(files: Files, alter: Callable[[FileAnswer, int], FileAnswer | None]) -> Iterator[list[int]]:
    """Let the provider alter its n-th answer (from 1), before it is sealed and signed; None lets the call fail."""
    giving: Any = files.provider.node.providing._giving
    honest, count = giving._answer, [0]

    def lying(call: Any, check: ProviderCheck | None, content: bytes = b"") -> bytes:
        count[0] += 1
        altered = alter(parse_file_answer(honest(call, check, content)), count[0])
        if altered is None:
            raise ConflictError("rid-exists", "the test lets this call fail")  # which no client repeats
        return dumps_file_answer(altered)

    giving._answer = lying
    try:
        yield count
    finally:
        del giving._answer


async def test_a_break_in_the_middle_is_gone_on_from(files: Files) -> None:
    wanted = await files.asked()
    findings = await files.findings()
    with answering(files, lambda answer, n: None if n == 3 else answer), pytest.raises(PeerError):
        await files.fetch(wanted)
    transfer = files.transfers()[-1]
    assert transfer.pieces == 3  # counted before it is sent
    with answering(files, lambda answer, _n: answer) as count:
        row = await files.fetch(wanted)
    assert count[0] == 2  # two pieces were left
    assert files.content(row) == files.large
    assert files.transfers()[-1].rid == transfer.rid
    assert await files.findings() == findings


async def test_a_call_that_takes_too_long_is_gone_on_with_by_the_next(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = await files.asked()
    moments = iter(range(0, 10_000, 8))
    monkeypatch.setattr(files.requester.node.fetching, "_monotonic_s", lambda: next(moments))
    assert fetching_module.BUDGET_S == 20.0
    rows = [await files.fetch(wanted) for _ in range(2)]
    assert [row.state for row in rows] == ["uploading", "complete"]
    assert files.content(rows[1]) == files.large


async def test_two_callers_at_once_fetch_it_once(files: Files) -> None:
    wanted = await files.asked()
    before = len(files.transfers())
    rows = await asyncio.gather(files.fetch(wanted), files.fetch(wanted), files.fetch(wanted))
    assert {row.state for row in rows} == {"complete"}
    assert len(files.transfers()) - before <= 3
    done = await files.fetch(wanted)
    assert files.content(done) == files.large


def damaged(answer: FileAnswer, n: int) -> FileAnswer:
    content = bytearray(answer.content)
    if n == 2:
        content[1_000] ^= 1
    return replace(answer, content=bytes(content))


async def test_damaged_bytes_are_found_and_nothing_is_kept(files: Files) -> None:
    wanted = await files.asked()
    with answering(files, damaged), pytest.raises(EvidenceError) as error:
        await files.fetch(wanted)
    assert error.value.code == "attachment-damaged"
    node = files.requester.node
    with node.store.node.read() as reader:
        fetch = file_transfers.fetch_of(reader, wanted.rid, 0, wanted.record_id, "scan")
    assert fetch is not None
    row = node.library.keeping.get(fetch.attachment.hex())
    assert (row.state, row.reason) == ("refused", "attachment-damaged")
    assert not node.library.keeping.blobs.path(row.id).exists()
    with node.store.keys.read() as keys:
        assert blob_keys.is_destroyed(keys, row.id)
    assert node.asking.history.show(str(fetch.transfer), with_values=False)["detail"] == "attachment-damaged"
    assert files.content(await files.fetch(wanted)) == files.large  # a later call begins anew


async def test_an_answer_that_brings_other_than_was_asked_is_refused(files: Files) -> None:
    changes: list[Callable[[FileAnswer], FileAnswer]] = [
        lambda a: replace(a, content=a.content[:-1]),
        lambda a: replace(a, content=a.content + b"x"),
        lambda a: replace(a, request_digest=bytes(32)),
        lambda a: replace(a, rid=type(a.rid)("AAAAAAAAAAAAAAAAAAAAAA")),
    ]
    for change in changes:
        wanted = await files.asked(P2)
        with answering(files, lambda answer, _n, change=change: change(answer)), pytest.raises(PeerError) as error:  # type: ignore[misc]
            await files.fetch(wanted)
        assert error.value.code == "answer-mismatch"
        assert files.content(await files.fetch(wanted)) == files.small


# -- refusals --------------------------------------------------------------------------------------


async def test_every_piece_is_checked_a_grant_that_is_revoked_in_between_ends_it(files: Files) -> None:
    grant = await files.stage.give(D03, D02, "WJ-01", query=("scan",))
    one = Files(files.stage, grant)
    wanted = await one.asked(fields=("scan",))
    with answering(files, lambda answer, n: None if n == 2 else answer), pytest.raises(PeerError):
        await one.fetch(wanted)
    await files.stage.network.suspend(D03, grant)
    await files.stage.network.in_step()
    before = files.stage.read_count(D03)
    with pytest.raises(RefusedError) as refused:
        await one.fetch(wanted)
    assert refused.value.code == "refused-grant-running"
    transfer = files.transfers()[-1]
    assert (transfer.refused, files.stage.read_count(D03)) == ("grant-running", before)


async def test_a_closed_case_gives_nothing(files: Files) -> None:
    case = await files.stage.case(P1, P2)
    wanted = await files.asked(P2, case)
    await files.requester.node.cases.close(case, 0)
    await files.stage.network.in_step()
    before = {uscc: files.stage.read_count(uscc) for uscc in (D02, D03)}
    findings = await files.findings()
    with pytest.raises(RefusedError) as refused:
        await files.fetch(wanted)
    assert refused.value.code == "refused-case-open"
    outcomes = {uscc: [e.outcome for e in files.reads(uscc, before[uscc])] for uscc in (D02, D03)}
    assert outcomes == {D03: ["refused"], D02: ["attempted", "refused"]}
    assert await files.findings() == findings


async def test_a_grant_without_uses_left_gives_no_file(files: Files) -> None:
    grant = await files.stage.give(D03, D02, "WJ-01", query=("scan",), uses_per_case=1)
    one = Files(files.stage, grant)
    wanted = await one.asked(P2, fields=("scan",))
    with pytest.raises(RefusedError) as refused:
        await one.fetch(wanted)
    assert refused.value.code == "refused-uses-left"
    with files.stage[D03].node.store.node.read() as reader:
        calls = [call.check for call in use.refused_calls(reader) if call.grant_ref == f"{D03}/{grant}"]
    assert calls == ["uses-left"], "the rules of art. 40(2) see refused file requests too"


async def test_only_what_a_query_brought_can_be_fetched(files: Files) -> None:
    wanted = await files.asked(P2)
    for changed in (
        replace(wanted, field="no"),
        replace(wanted, field="other"),
        replace(wanted, item=1),
        replace(wanted, record_id=files.records[P1.value]),
    ):
        with pytest.raises(NotFoundError) as unknown:
            await files.fetch(changed)
        assert unknown.value.code == "attachment-unknown"
    with pytest.raises(NotFoundError) as unknown:
        await files.fetch(replace(wanted, rid="AAAAAAAAAAAAAAAAAAAAAA"))
    assert unknown.value.code == "query-unknown"
    without = await files.asked(P2, fields=("no",))
    with pytest.raises(NotFoundError) as unknown:
        await files.fetch(without)
    assert unknown.value.code == "attachment-unknown"


async def test_a_hostile_request_for_another_record_s_file_is_refused(files: Files) -> None:
    """The subject is proven, the grant covers the field: but the record and the digest named are another person's."""
    node = files.requester.node
    case = await files.stage.case(P2)  # P1 is not in it
    source = source_of(node.asking._p, await files.asked(P2, case))
    digest = sha256(files.large).hexdigest()
    row = replace(node.fetching._new_row(source, files.requester.person), taken=0)
    foreign = replace(source.wanted, record_id=files.records[P1.value])
    for changed in (
        replace(source, wanted=foreign, value=replace(source.value, sha256=digest, bytes=SIZE)),
        replace(source, value=replace(source.value, sha256=digest)),
        replace(source, wanted=foreign),
        replace(source, rev=2),
    ):
        with pytest.raises(RefusedError) as refused:
            await node.fetching._open_transfer(changed, row, files.requester.person)
        assert refused.value.code == "refused-file"
    state = replace(source, wanted=replace(source.wanted, field="state"))
    with pytest.raises(RefusedError) as refused:
        await node.fetching._open_transfer(state, row, files.requester.person)
    assert refused.value.code == "refused-file"  # granted, but no file
    proof = replace(source, wanted=replace(source.wanted, field="owners.1.proof"))
    with pytest.raises(RefusedError) as refused:
        await node.fetching._open_transfer(proof, row, files.requester.person)
    assert refused.value.code == "refused-fields"


async def test_a_transfer_is_of_one_file_one_case_and_one_department(files: Files) -> None:
    first = await files.asked()
    await files.fetch(first)
    transfer = files.transfers()[-1].rid
    other = source_of(files.requester.node.asking._p, await files.asked())  # the same file, another case
    row = replace(files.requester.node.fetching._new_row(other, files.requester.person), taken=100)
    assert await files.requester.node.fetching._next(other, row, transfer) is None  # type: ignore[arg-type]
    small = source_of(files.requester.node.asking._p, await files.asked(P2, case=first_case(files, first)))
    assert await files.requester.node.fetching._next(small, row, transfer) is None  # type: ignore[arg-type]
    same = source_of(files.requester.node.asking._p, first)
    content = await files.requester.node.fetching._next(same, row, transfer)  # type: ignore[arg-type]
    assert content == files.large[100 : 100 + (8 << 20)]


def first_case(files: Files, wanted: Wanted) -> str:
    return str(files.requester.node.asking.history.show(wanted.rid, with_values=False)["case"]).partition("/")[2]


async def test_the_same_opening_bytes_get_the_same_answer_and_count_once(files: Files) -> None:
    node = files.requester.node
    source = source_of(node.asking._p, await files.asked(P2))
    row = node.fetching._new_row(source, files.requester.person)
    asked, sealed = node.fetching._asked(source, row, None)
    before, count = files.stage.read_count(D03), len(files.transfers())
    replies = [await node.fetching._line.send(asked.request.to_uscc, "/exchange/v1/files", sealed) for _ in range(3)]
    assert len({reply.body for reply in replies}) == 1
    assert (files.stage.read_count(D03), len(files.transfers())) == (before + 1, count + 1)
    elsewhere = await node.fetching._line.send(asked.request.to_uscc, "/exchange/v1/requests", sealed)
    assert (elsewhere.status, elsewhere.problem_code()) == (403, "signature-wrong")


async def test_an_opening_piece_is_small(files: Files) -> None:
    assert MAX_OPENING_BYTES == 65_536
    wanted = await files.asked()
    with answering(files, lambda answer, n: None if n == 2 else answer), pytest.raises(PeerError):
        await files.fetch(wanted)
    with files.requester.node.store.node.read() as reader:
        fetch = file_transfers.fetch_of(reader, wanted.rid, 0, wanted.record_id, "scan")
    assert fetch is not None
    assert files.requester.node.library.keeping.get(fetch.attachment.hex()).taken == MAX_OPENING_BYTES


# -- the end ---------------------------------------------------------------------------------------


async def test_a_file_is_disposed_of_with_the_record_it_came_for(files: Files) -> None:
    wanted = await files.asked(P2)
    row = await files.fetch(wanted)
    node = files.requester.node
    await node.library.sweep()
    assert node.library.keeping.get(row.id.hex()).state == "complete"
    await node.store.node.write(lambda tx: tx.run("DELETE FROM received_values WHERE rid = ?", (wanted.rid,)))
    await node.library.sweep()
    with pytest.raises(NotFoundError) as gone:
        node.library.keeping.get(row.id.hex())
    assert gone.value.code == "attachment-unknown"
    assert not node.library.keeping.blobs.path(row.id).exists()
    with node.store.keys.read() as keys:
        assert blob_keys.is_destroyed(keys, row.id)
    with pytest.raises(NotFoundError) as gone:
        await files.fetch(wanted)
    assert gone.value.code == "attachment-unknown"


async def test_an_erased_record_s_file_is_not_given_any_more(files: Files) -> None:
    """Not even before the notice of the erasure has come."""
    async with client_of(files.provider) as client:
        record, content = await _further(client, files)
        wanted = replace(await files.asked(P2, fields=("scan",)), record_id=record)
        with answering(files, lambda answer, n: None if n == 2 else answer), pytest.raises(PeerError):
            await files.fetch(wanted)
        with files.requester.node.store.node.read() as reader:
            fetch = file_transfers.fetch_of(reader, wanted.rid, 0, record, "scan")
        assert fetch is not None
        with unreachable(files):
            (await client.post(f"/api/v1/records/{record}/erase", json={"reason": 3})).ok(202)
            with pytest.raises(RefusedError) as refused:
                await files.fetch(wanted)
    assert refused.value.code == "refused-file"
    assert len(content) > MAX_OPENING_BYTES
    await settled(files.provider, record)
    await is_gone(files, fetch.attachment)


@contextmanager
def unreachable(files: Files) -> Iterator[None]:
    """The provider's node cannot tell the requester's anything meanwhile."""
    requester = files.provider.node.state.departments[D02]
    endpoint, requester.endpoint = requester.endpoint, "http://127.0.0.1:9"
    try:
        yield
    finally:
        requester.endpoint = endpoint


async def is_gone(files: Files, blob: bytes) -> None:
    """Row, file and key of what the requester had fetched are gone."""
    node = files.requester.node
    with pytest.raises(NotFoundError):
        node.library.keeping.get(blob.hex())
    assert not node.library.keeping.blobs.path(blob).exists()
    with node.store.keys.read() as keys:
        assert blob_keys.is_destroyed(keys, blob)


async def test_an_erasure_reaches_files_that_were_fetched(files: Files) -> None:
    async with client_of(files.provider) as client:
        record, content = await _further(client, files)
        wanted = replace(await files.asked(P2), record_id=record)
        other = await files.fetch(replace(wanted, record_id=files.records[P2.value]))
        row = await files.fetch(wanted)
        assert files.content(row) == content
        (await client.post(f"/api/v1/records/{record}/erase", json={"reason": 3})).ok(202)
        (told,) = await settled(files.provider, record)
    assert told["outcome"] == "deleted"
    await is_gone(files, row.id)
    assert files.content(other) == files.small  # of another record of the same person
    transfer = files.transfers()[-1]
    with files.provider.node.store.node.read() as reader:
        assert reader.fetch("SELECT answer FROM exchange_in WHERE rid = ?", (transfer.rid,)) == [(None,)]
    with pytest.raises(NotFoundError) as unknown:
        await files.fetch(wanted)
    assert unknown.value.code == "attachment-unknown"


async def test_a_duty_keeps_a_fetched_file_from_everybody_and_its_end_lets_it_go(files: Files) -> None:
    async with client_of(files.provider) as provider, client_of(files.requester) as client:
        record, _ = await _further(provider, files)
        case = await files.stage.case(P1, P2)
        wanted = replace(await files.asked(P2, case), record_id=record)
        row = await files.fetch(wanted)
        body = {"lead": D02, "case_no": case, "basis": "某法第十条 (合成示例)", "until": 1_900_000_000}
        duty = (await client.post("/api/v1/retention-duties", json=body)).ok(201)
        (await provider.post(f"/api/v1/records/{record}/erase", json={"reason": 3})).ok(202)
        (told,) = await settled(files.provider, record)
        assert told["outcome"] == "kept-by-duty"
        path = f"/api/v1/attachments/{row.id.hex()}"
        refused = await client.get(path)
        assert (refused.status, refused.code) == (409, "attachment-state")
        shown = (await client.get(path + "/state")).ok()
        assert (shown["state"], "name" in shown, "sha256" in shown) == ("restricted", False, False)
        await files.requester.node.library.sweep()
        assert files.requester.node.library.keeping.blobs.path(row.id).exists()
        (await client.post(f"/api/v1/retention-duties/{duty['id']}/end", json={})).ok()
        await files.requester.node.library.sweep()
    await is_gone(files, row.id)


async def _further(client: Client, files: Files) -> tuple[str, bytes]:
    """A further record of P2 with a file of its own."""
    content = pdf(200_000)
    uploaded = await client.send("/api/v1/attachments", content, PDF, **upload_fields(content))
    row = {**file_row(77, uploaded.ok(201)["id"]), "person": P2.value}
    row["owners"] = [{"name": "测试", "id_number": None, "proof": None}]
    sent = await client.post("/api/v1/datasets/WJ-01/records", json=row, headers={"Prefer": "wait=30"})
    return str(sent.ok(201)["record_id"]), content


async def test_a_file_that_is_too_large_for_this_node_is_not_asked_for(files: Files) -> None:
    uploads = files.requester.node.library.uploads
    kept = uploads.limits
    wanted = await files.asked()
    uploads.limits = replace(kept, max_bytes=1_000_000)
    before = len(files.transfers())
    try:
        with pytest.raises(InputError) as refused:
            await files.fetch(wanted)
    finally:
        uploads.limits = kept
    assert refused.value.code == "attachment-too-large"
    assert len(files.transfers()) == before
