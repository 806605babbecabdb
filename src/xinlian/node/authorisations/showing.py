"""Views of authorisations: what the chain says, what was handed in here, and the form for who works with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson

from xinlian.node.chain_state import AuthorisationState, ChainState
from xinlian.node.paging import Page, Window, first_of
from xinlian.protocol.errors import NotFoundError
from xinlian.protocol.types import Uscc
from xinlian.store import authorisations as table
from xinlian.store.authorisations import HandedIn, Recorded, Ref
from xinlian.store.sealing import Sealer
from xinlian.store.writer import Writer


@dataclass(frozen=True, slots=True)
class Showing:
    """The use case.

    Args:
        department: USCC of this node.
        writer: node.db.
        sealer: opens forms.
        state: the chain as followed.
        law_s: law time, epoch seconds.
    """

    department: Uscc
    writer: Writer
    sealer: Sealer
    state: ChainState
    law_s: Callable[[], int]

    def page(self, window: Window) -> Page[Recorded]:
        """Authorisations that this department recorded, oldest first."""
        after = None if window.after is None else (int(window.after[0]), bytes.fromhex(str(window.after[1])))
        with self.writer.read() as reader:
            rows = table.page(reader, self.sealer, after, window.limit + 1)
        return first_of(rows, window, lambda row: (row.created_at, row.id.hex()))

    def info(self, ref: Ref, *, with_form: bool) -> dict[str, Any]:
        """One authorisation.

        Args:
            ref: recorder and id.
            with_form: the caller may see the person's form.

        Raises:
            NotFoundError: ``authorisation-unknown``.
        """
        with self.writer.read() as reader:
            row = table.found(reader, self.sealer, ref[1]) if ref[0] == self.department else None
            uses = table.uses_of(reader, ref)
        known = self._known(ref)
        if row is None and known is None:
            raise NotFoundError("authorisation-unknown", "there is no such authorisation", authorisation=ref[1].hex())
        shown = {**self._shown(ref, row, known), "uses": [{"rid": rid, "used_at": at} for rid, at in uses]}
        if row is not None and with_form:
            shown["form"] = {k: v for k, v in orjson.loads(row.text).items() if k not in ("document", "object")}
        return shown

    def brief(self, row: Recorded) -> dict[str, Any]:
        """An own authorisation as it is listed."""
        ref = (self.department, row.id)
        return self._shown(ref, row, self._known(ref))

    def _known(self, ref: Ref) -> AuthorisationState | None:
        return self.state.authorisation(ref[0], "0x" + ref[1].hex())

    def _shown(self, ref: Ref, row: Recorded | None, known: AuthorisationState | None) -> dict[str, Any]:
        with self.writer.read() as reader:
            handed_in = table.handed_in(reader, self.sealer, ref)
        return {
            "recorder": ref[0],
            "id": ref[1].hex(),
            "state": self._state(known, handed_in),
            "digest": None if known is None else known.digest.removeprefix("0x"),
            "catalog_code": None if row is None else row.catalog_code,
            "case": None if row is None else row.case_ref,
            "recorded_at": None if known is None else known.recorded_at,
            "expires_at": row.expires_at if row is not None else None if known is None else known.expires_at,
            "withdrawn_at": None if known is None else known.withdrawn_at,
            "relayed_by": None if known is None else known.relayed_by,
            "handed_in_at": None if handed_in is None else handed_in.handed_in_at,
        }

    def _state(self, known: AuthorisationState | None, handed_in: HandedIn | None) -> str:
        if known is None:
            return "not-recorded"
        if known.withdrawn_at is not None or handed_in is not None:
            return "withdrawn"
        return "in-force" if known.is_in_force_at(self.law_s()) else "expired"
