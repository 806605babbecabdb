"""Grants as they are listed and shown; they come only from delivering an agreed request.

Source: design 5 (SharingRegistry); Decree 809 art. 22.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from xinlian.node.catalogue import Catalogue
from xinlian.node.chain_state import ChainState, GrantState
from xinlian.node.paging import Page, Window, page_of
from xinlian.node.sharing.terms import shown_terms
from xinlian.protocol.dataset import DatasetSchema
from xinlian.protocol.errors import NotFoundError, PeerError


@dataclass(frozen=True, slots=True)
class GrantInfo:
    """A grant as shown; ``state`` is that of its request, in lower case."""

    provider: str
    number: int
    receiver: str
    request: int
    code: str
    version: int
    state: str
    cover: str
    running: bool
    terms: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Grants:
    """The use case.

    Args:
        department: USCC of this node.
        state: the chain's grants.
        catalogue: datasets.
        law_s: law time, epoch seconds.
    """

    department: str
    state: ChainState
    catalogue: Catalogue
    law_s: Callable[[], int]

    async def info(self, provider: str, number: int) -> GrantInfo:
        """One grant.

        Raises:
            NotFoundError: ``grant-unknown``.
        """
        grant = self.state.grants.get((provider, number))
        if grant is None:
            raise NotFoundError("grant-unknown", f"there is no grant {number} of {provider}", grant=number, provider=provider)
        return await self._info(grant)

    async def page(self, direction: str, window: Window) -> Page[GrantInfo]:
        """Grants this department gave, received, or both (given, received, all), by provider and number."""
        wanted = (
            grant
            for grant in self.state.grants.values()
            if (direction in ("given", "all") and grant.provider == self.department)
            or (direction in ("received", "all") and grant.receiver == self.department)
        )
        page = page_of(wanted, window, lambda grant: (grant.provider, grant.number))
        return Page([await self._info(grant) for grant in page.items], page.next)

    async def _info(self, grant: GrantState) -> GrantInfo:
        schema = await known_schema(self.state, self.catalogue, (grant.provider, grant.serial, grant.version))
        return GrantInfo(
            provider=grant.provider,
            number=grant.number,
            receiver=grant.receiver,
            request=grant.request.number,
            code=f"{grant.provider}/{grant.serial:06d}",
            version=grant.version,
            state=grant.request.state.name.lower(),
            cover=grant.cover.name.lower(),
            running=grant.is_running_at(self.law_s()),
            terms=shown_terms(grant.terms, schema),
        )


async def known_schema(state: ChainState, catalogue: Catalogue, dataset: tuple[str, int, int]) -> DatasetSchema | None:
    """The schema of (owner, serial, version), None when it is not known here and its owner's node is down."""
    entry = state.dataset(*dataset)
    try:
        return None if entry is None else await catalogue.schema_at(entry)
    except PeerError:
        return None
