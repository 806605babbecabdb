"""Datasets: the catalogue as on chain and this department's schema files."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from xinlian.api.access import ANYONE_SIGNED_IN, GuardedRoute, allow, node_of
from xinlian.api.bodies import read_body
from xinlian.api.paging import Listing, PageOut
from xinlian.api.parameters import VersionQuery
from xinlian.api.routes.approvals import shown
from xinlian.api.wire import ApprovalOut, DatasetOut, TxOut, UpdateIn
from xinlian.node.dataset_info import DatasetInfo
from xinlian.node.files.template import template
from xinlian.node.paging import Window
from xinlian.node.people import Person, Role

router = APIRouter(route_class=GuardedRoute, prefix="/api/v1/datasets", tags=["datasets"])
_reading = [Depends(allow(*ANYONE_SIGNED_IN))]
DATASETS = Listing("datasets", str, int)
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def _out(info: DatasetInfo) -> DatasetOut:
    return DatasetOut(
        alias=info.alias,
        code=info.code,
        version=info.version,
        title=info.title,
        owner=info.owner,
        owner_name=info.owner_name,
        share_type=info.share_type,
        state=info.state,
        schema_hash=info.schema_hash,
        field_count=info.field_count,
        own=info.own,
        personal=info.personal,
        requires_authorisation=info.requires_authorisation,
        round=info.round,
        changing=info.changing,
        review_deadline=info.review_deadline,
        review_overdue=info.review_overdue,
        update=info.update,
    )


@router.get("", dependencies=_reading, response_model=PageOut[DatasetOut])
async def list_datasets(request: Request, window: Annotated[Window, Depends(DATASETS)]) -> dict[str, Any]:
    """Every catalogue entry on chain, and local ones that are not proposed yet."""
    return DATASETS.page(node_of(request).catalogue.page(window), _out)


@router.get("/{dataset}", dependencies=_reading)
async def show_dataset(request: Request, dataset: str, version: VersionQuery = None) -> DatasetOut:
    """One catalogue entry."""
    return _out(node_of(request).catalogue.info(dataset, version))


@router.get("/{dataset}/schema", dependencies=_reading)
async def schema_file(request: Request, dataset: str, version: VersionQuery = None) -> Response:
    """The schema file, byte for byte."""
    schema = await node_of(request).catalogue.schema_of(dataset, version)
    return Response(schema.source, media_type="application/schema+json")


@router.get("/{dataset}/template", dependencies=_reading)
async def template_file(request: Request, dataset: str, version: VersionQuery = None) -> Response:
    """An XLSX file to be filled in."""
    schema = await node_of(request).catalogue.schema_of(dataset, version)
    headers = {"Content-Disposition": f'attachment; filename="{schema.alias}-v{schema.version}.xlsx"'}
    return Response(template(schema), media_type=XLSX, headers=headers)


@router.post("", status_code=202)
async def propose_dataset(request: Request, person: Annotated[Person, Depends(allow(Role.SHARING))]) -> ApprovalOut:
    """Propose a dataset, a new version, or one that was sent back, to the department's head; the body is the schema file."""
    source = await read_body(request, 1_000_000)
    return shown(request, await node_of(request).proposing.propose(source, person), person)


@router.post("/{dataset}/updates", status_code=202)
async def open_update(
    request: Request, dataset: str, body: UpdateIn, person: Annotated[Person, Depends(allow(Role.SHARING, Role.AUTHORITY))]
) -> ApprovalOut:
    """Propose to the head to open the update clock: law or duty changed, the entry is brought up to date in 10 working days."""
    node = node_of(request)
    info = node.catalogue.info(dataset)
    return shown(request, await node.catalogue_steps.propose("open-update", info.code, info.version, body.reason, person), person)


@router.post("/{dataset}/marks/{mark}", dependencies=[Depends(allow(Role.SHARING, Role.AUTHORITY))])
async def mark_dataset(
    request: Request, dataset: str, mark: Literal["review-overdue", "update-overdue"], version: VersionQuery = None
) -> TxOut:
    """Record on chain what the clock says: the authority's review, or the entry's update, is overdue."""
    node = node_of(request)
    info = node.catalogue.info(dataset, version)
    steps = node.catalogue_steps
    record = steps.mark_review_overdue if mark == "review-overdue" else steps.mark_update_overdue
    done = await record(info.code, info.version)
    return TxOut(tx_hash=done.tx_hash, block_number=done.block_number)
