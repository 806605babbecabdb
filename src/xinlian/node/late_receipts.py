"""Receipts that come later: what was received while pending gets its receipt once the provider's batch is final.

Rules
1. The provider hands a receipt to whoever names the leaf: a leaf is 256 bits that only holders of the statement know, and a
   receipt says nothing that the chain does not show. It is asked for by record id and revision, or by request id and item.
2. The receiver verifies the completed bundle against its own view before it is kept.
3. A promise (``anchor_by``) that passed without a receipt is a finding.

Source: design 4.5.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson

from xinlian.node.bundles import Bundles
from xinlian.node.chain_state import ChainState
from xinlian.node.clock import Clock
from xinlian.node.ended import refuse_ended
from xinlian.node.following import Following
from xinlian.node.ids import record_id_bytes
from xinlian.node.paging import Page, Window, page_of
from xinlian.node.peer_client import PeerClient
from xinlian.protocol import bundle as bundles
from xinlian.protocol.bundle import Bundle
from xinlian.protocol.errors import InputError, NotFoundError, PeerError
from xinlian.protocol.jsontext import loads_strict
from xinlian.protocol.members import Members, Where
from xinlian.protocol.receipt import Receipt
from xinlian.protocol.record import leaf_of
from xinlian.protocol.types import VCT_ANSWER, Stream
from xinlian.store import case_files, ended_values, streams
from xinlian.store import records as record_table
from xinlian.store.sealing import Sealer
from xinlian.store.writer import Transaction, Writer

PATH = "/exchange/v1/receipts"
CATCH_UP_S = 10.0
_WHERE = Where("receipt-request-form", "receipt request")
_LEAF = re.compile(r"[0-9a-f]{64}", re.ASCII)
_TEXT = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_KIND = re.compile("record|answer")


@dataclass(frozen=True, slots=True)
class LateReceipts:
    """Both sides of the use case."""

    writer: Writer
    sealer: Sealer
    state: ChainState
    clock: Clock
    following: Following
    bundles: Bundles
    client: PeerClient

    # -- giving ------------------------------------------------------------------------------------

    def give(self, body: bytes) -> dict[str, Any]:
        """The receipt of an own leaf, null while it is pending.

        Args:
            body: ``{"kind": "record", "id": <record id>, "number": <revision>, "leaf": <hex>}`` or
                ``{"kind": "answer", "id": <rid>, "number": <item>, "leaf": <hex>}``.

        Raises:
            InputError: ``receipt-request-form``.
            NotFoundError: ``leaf-unknown``, the same for everything that does not fit together.
        """
        members = Members.of(loads_strict(body, max_bytes=2_000), ("kind", "id", "number", "leaf"), _WHERE)
        kind, name = members.text("kind", _KIND), members.text("id", _TEXT)
        number, leaf = members.integer("number", 0, 2**31), bytes.fromhex(members.text("leaf", _LEAF))
        found = self._record(name, number, leaf) if kind == "record" else self._answer(name, number, leaf)
        if found is None:
            raise NotFoundError("leaf-unknown", "this department has no such leaf")
        stream, position = found
        receipt = self.bundles.receipt(stream, position)
        return {"receipt": None if receipt is None else receipt.to_json()}

    def _record(self, record_id: str, rev: int, leaf: bytes) -> tuple[Stream, int] | None:
        try:
            with self.writer.read() as reader:
                row = record_table.by_jti(reader, record_id_bytes(record_id), rev)
        except (NotFoundError, InputError):
            return None
        return (Stream.RECORDS, row.position) if row.leaf == leaf else None

    def _answer(self, rid: str, item: int, leaf: bytes) -> tuple[Stream, int] | None:
        with self.writer.read() as reader:
            found = [one for one in streams.answers_of_rid(reader, self.sealer, rid) if one.item == item]
        return (Stream.ANSWERS, found[0].position) if found and found[0].leaf == leaf else None

    # -- completing --------------------------------------------------------------------------------

    async def complete(self, rid: str, window: Window) -> Page[dict[str, Any]]:
        """Bundles of everything a query brought, with receipts that were pending filled in where they exist by now.

        Args:
            rid: the query.
            window: which part of its bundles, by item and place in the item.

        Returns:
            Bundles in item order; those still pending keep ``receipt: null``. What ended meanwhile is not among them.

        Raises:
            NotFoundError: ``value-erased`` when nothing is left because the records were erased where they came from.
            ConflictError: ``value-restricted`` when nothing is left but what a retention duty keeps.
        """
        kept, contents = self._kept(rid)
        page = page_of(_places(contents), window, lambda place: place)
        for item in sorted({item for item, _ in page.items}):
            await self._fill(kept[item], contents[item], [number for of, number in page.items if of == item])
        _, contents = self._kept(rid)  # what ended meanwhile is not shown any more
        there = set(_places(contents))
        if not there:
            with self.writer.read() as reader:
                refuse_ended(ended_values.of_rid(reader, rid))
        return Page([contents[item]["bundles"][number] for item, number in page.items if (item, number) in there], page.next)

    def _kept(self, rid: str) -> tuple[dict[int, case_files.Received], dict[int, dict[str, Any]]]:
        """What a request brought, by item: the rows, and their content."""
        with self.writer.read() as reader:
            kept = {one.item: one for one in case_files.received_of_rid(reader, self.sealer, rid)}
        return kept, {item: orjson.loads(one.content) for item, one in kept.items()}

    async def _fill(self, one: case_files.Received, content: dict[str, Any], numbers: Sequence[int]) -> None:
        """Fill receipts into some bundles of an item, and keep it when there were any."""
        filled = list(content["bundles"])
        for number in numbers:
            filled[number] = await self._filled(one.rid, one.item, one.provider, filled[number])
        if filled != content["bundles"]:
            content.update(_with_receipts(content, filled))
            await self._keep(replace(one, content=orjson.dumps(content)), one.content)

    async def _filled(self, rid: str, item: int, provider: str, value: dict[str, Any]) -> dict[str, Any]:
        if value["receipt"] is not None:
            return value
        pending = bundles.parse(orjson.dumps(value))
        receipt = await self._fetch(rid, item, provider, pending)
        if receipt is None:
            return value
        await self.following.reach(receipt.block_number, CATCH_UP_S)
        completed = replace(pending, receipt=receipt)
        if self.bundles.verify_parsed(completed).exit_code == 1:
            completed = replace(completed, signed=None)  # signed before a rotation, anchored after it: the receipt proves alone
        if self.bundles.verify_parsed(completed).exit_code == 1:
            return value
        result: dict[str, Any] = orjson.loads(bundles.dumps(completed))
        return result

    async def _fetch(self, rid: str, item: int, provider: str, pending: Bundle) -> Receipt | None:
        statement = pending.statement
        is_answer = statement.vct == VCT_ANSWER
        asked = {
            "kind": "answer" if is_answer else "record",
            "id": rid if is_answer else statement.jti,
            "number": item if is_answer else statement.rev,
            "leaf": leaf_of(statement.raw).hex(),
        }
        department = self.state.department(provider)
        if department is None:
            return None
        headers = {"content-type": "application/json"}
        try:
            reply = await self.client.post(department.endpoint, PATH, headers, orjson.dumps(asked))
            receipt = orjson.loads(reply.body).get("receipt") if reply.status == 200 else None
            return None if receipt is None else Receipt.from_json(receipt)
        except (PeerError, InputError, ValueError, AttributeError):
            return None  # still pending for us; the finding is the promise that passes

    async def _keep(self, one: case_files.Received, before: bytes) -> None:
        """Keep the completed form, unless the item changed meanwhile: what an erasure took out never comes back this way."""

        def job(tx: Transaction) -> None:
            case_files.replace_content(tx, self.sealer, one, before)

        await self.writer.write(job)


def _with_receipts(content: Mapping[str, Any], filled: list[dict[str, Any]]) -> dict[str, Any]:
    """The kept item with its bundles and the receipts shown beside the values replaced."""
    shown = [content["answer"]] if content["answer"] is not None else list(content["records"])
    for entry, bundle in zip(shown, filled, strict=False):
        if bundle["receipt"] is not None:
            entry["receipt"], entry["pending_anchor_by"] = bundle["receipt"], None
    return {**content, "bundles": filled}


def _places(contents: Mapping[int, Mapping[str, Any]]) -> list[tuple[int, int]]:
    """Every bundle of a request: (item, number within it)."""
    return [(item, number) for item, content in contents.items() for number in range(len(content["bundles"]))]
