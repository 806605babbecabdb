"""A catalogue entry as the API and the command line show it.

Example: ``entry_info(state, state.datasets["1241…", 1, 1], schema, own=True).state == "published"``
"""

from __future__ import annotations

from dataclasses import dataclass

from xinlian.node.chain_state import ChainState, DatasetState
from xinlian.protocol.clocks import CLOCKS, ClockId
from xinlian.protocol.dataset import DatasetSchema
from xinlian.protocol.errors import ConflictError


@dataclass(frozen=True, slots=True)
class DatasetInfo:
    """A catalogue entry as shown; alias and title are None while its schema file is not known here.

    ``changing`` is 变更中; ``review_deadline`` (epoch seconds, first second that is late) is None when no review is running or
    its year is not in the calendar on chain; ``update`` is the dataset's running update clock.
    """

    alias: str | None
    code: str
    version: int
    title: str | None
    owner: str
    owner_name: str | None
    share_type: int
    state: str
    schema_hash: str
    field_count: int
    own: bool
    personal: bool
    requires_authorisation: bool
    round: int
    changing: bool
    review_deadline: int | None
    review_overdue: bool
    update: dict[str, object] | None


def entry_info(state: ChainState, entry: DatasetState, schema: DatasetSchema | None, *, own: bool) -> DatasetInfo:
    """What is shown of an entry on chain.

    Args:
        state: the chain's facts.
        entry: of them.
        schema: None when its file is not known here.
        own: it belongs to this node's department.
    """
    owner = state.department(entry.owner)
    return DatasetInfo(
        alias=schema.alias if schema else None,
        code=entry.code,
        version=entry.version,
        title=schema.title if schema else None,
        owner=entry.owner,
        owner_name=owner.name if owner else None,
        share_type=entry.share_type,
        state=entry.state,
        schema_hash=entry.schema_hash,
        field_count=entry.field_count,
        own=own,
        personal=entry.personal,
        requires_authorisation=entry.authorisation_required,
        round=entry.round,
        changing=state.is_changing(entry),
        review_deadline=_review_deadline(state, entry),
        review_overdue=entry.review_overdue,
        update=_update(state, entry),
    )


def _review_deadline(state: ChainState, entry: DatasetState) -> int | None:
    if entry.state != "proposed":
        return None
    return _deadline(state, entry.proposed_at, CLOCKS[ClockId.CATALOG_REVIEW].length_wd)


def _update(state: ChainState, entry: DatasetState) -> dict[str, object] | None:
    update = state.updates.get((entry.owner, entry.serial))
    if update is None:
        return None
    return {
        "opened_at": update.opened_at,
        "by_authority": update.by_authority,
        "extended": update.extended,
        "overdue": update.overdue,
        "deadline": _deadline(state, update.opened_at, update.length_wd),
    }


def _deadline(state: ChainState, start_s: int, length_wd: int) -> int | None:
    try:
        return state.calendar.deadline_after(start_s, length_wd)
    except ConflictError:  # a year that is not loaded stops nothing
        return None


def local_info(schema: DatasetSchema) -> DatasetInfo:
    """What is shown of a schema file that is not on chain yet."""
    return DatasetInfo(
        alias=schema.alias,
        code=schema.code,
        version=schema.version,
        title=schema.title,
        owner=schema.owner,
        owner_name=schema.catalogue.provider_name,
        share_type=schema.catalogue.share_type,
        state="local",
        schema_hash="0x" + schema.schema_hash.hex(),
        field_count=schema.field_count,
        own=True,
        personal=schema.is_personal,
        requires_authorisation=schema.catalogue.requires_authorisation,
        round=0,
        changing=False,
        review_deadline=None,
        review_overdue=False,
        update=None,
    )
