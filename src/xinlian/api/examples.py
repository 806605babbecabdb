"""What OpenAPI shows beside the models: entries of plain routes, example answers and bodies.

Every plain Starlette route stands in ``HOT``; a test compares the list with the routes that exist.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from xinlian.api.wire import ReasonIn, SearchIn

_ROW = {"contract_no": "WQ2026000001", "paid_yuan": "220000.00", "paid_on": "2026-10-12", "confirmed": True}
_ACCEPTED = {
    "accepted": 1,
    "first_position": 1,
    "last_position": 1,
    "state": "pending",
    "record_ids": ["019a0b1c-2d3e-7f00-8000-000000000001"],
    "record_id": "019a0b1c-2d3e-7f00-8000-000000000001",
    "rev": 1,
    "leaf": "ab" * 32,
}
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@dataclass(frozen=True, slots=True)
class Operation:
    """One entry: what the document says about a plain route."""

    summary: str
    tag: str
    status: int = 200
    consumes: dict[str, Any] = field(default_factory=dict)
    example: Any = None
    parameters: tuple[str, ...] = ()
    query: tuple[str, ...] = ()
    produces: str = "application/json"


OCTETS = "application/octet-stream"
_ERASED = {"record_id": _ACCEPTED["record_id"], "revisions": 1, "status": "erased", "state": "pending", "recipients": []}
_NOTICE = {
    "notice": "3f" * 16,
    "recipient": "12411599MBDEM00233",
    "kind": "erased",
    "record_id": _ACCEPTED["record_id"],
    "object": None,
    "state": "acknowledged",
    "parked": False,
    "attempts": 1,
    "next_try": None,
    "last_code": None,
    "created_at": 1790000000,
    "told_at": 1790000001,
    "acknowledged_at": 1790000001,
    "outcome": "kept-by-duty",
    "deleted": 1,
    "kept": [
        {"case": {"lead": "12411599MBDEM00233", "no": "CASE-1"}, "basis": "某法第十条 (合成示例)", "until": 1893456000},
    ],
}
_ERASURE = {
    "record_id": _ACCEPTED["record_id"],
    "state": "erased",
    "steps": ["marked"],
    "status": "erased",
    "reason": 3,
    "requested_at": 1790000000,
    "found_on_chain": False,
    "recipients": [_NOTICE],
    "outstanding": [],
}
_ITEM = {"record_id": _ACCEPTED["record_id"], "rev": 1, "state": "anchored", "status": "current"}
_BRIEF = {"items": [_ITEM], "next": None}
_JSON_ROW = {"application/json": {"schema": {"type": "object"}, "example": _ROW}}
_WAITING = ("Prefer",)
_BYTES = {OCTETS: {"schema": {"type": "string", "format": "binary"}}}
_SEALED = {OCTETS: {"schema": {"type": "string", "format": "binary"}}}


_FETCHED = {"query": "q3Jr0w4u2cWz1m5b8n7x9A", "item": 0, "record_id": _ACCEPTED["record_id"], "field": "scan"}
_ATTACHMENT = {
    "id": "5f0c8f6e2b1d4a7c9e3f1a2b3c4d5e6f",
    "origin": "own",
    "state": "complete",
    "media_type": "application/pdf",
    "bytes": 48211,
    "offset": 48211,
    "scan": "clean",
    "reason": None,
    "created_at": 1790000000,
    "used": False,
    "name": "授权书.pdf",
    "sha256": "ab" * 32,
}
_HOLIDAY = {"name": "国庆节", "from": "2026-10-01", "to": "2026-10-07", "basis": "…通知"}
_MAKE_UP_DAY = {"name": "国庆节", "day": "2026-10-10", "basis": "…通知"}


def _model(model: type[Any], example: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": model.model_json_schema(), "example": example}}


HOT: dict[tuple[str, str], Operation] = {
    ("POST", "/api/v1/datasets/{dataset}/records"): Operation("Publish one row", "records", 201, _JSON_ROW, _ACCEPTED, _WAITING),
    ("GET", "/api/v1/datasets/{dataset}/records"): Operation(
        "Records of a dataset in publication order", "records", example=_BRIEF
    ),
    ("POST", "/api/v1/datasets/{dataset}/records/bulk"): Operation(
        "Publish many rows, all or nothing",
        "records",
        201,
        {
            "application/x-ndjson": {"schema": {"type": "string"}, "example": '{"contract_no":"…"}\n{"contract_no":"…"}\n'},
            "application/json": {"schema": {"type": "array", "items": {"type": "object"}}, "example": [_ROW]},
        },
        {"accepted": 2, "first_position": 1, "last_position": 2, "state": "pending"},
        _WAITING,
    ),
    ("POST", "/api/v1/datasets/{dataset}/records/search"): Operation(
        "Find living records by a lookup field",
        "records",
        200,
        _model(SearchIn, {"field": "id_number", "value": "411599199001010014"}),
        _BRIEF,
    ),
    ("POST", "/api/v1/datasets/{dataset}/imports"): Operation(
        "Publish a CSV, XLSX, NDJSON or JSON file, all or nothing",
        "records",
        201,
        {
            "text/csv": {"schema": {"type": "string"}, "example": "合同编号,…\n"},
            _XLSX: {"schema": {"type": "string", "format": "binary"}},
        },
        {"accepted": 1200, "first_position": 1, "last_position": 1200, "state": "pending"},
        (*_WAITING, "X-File-Name"),
    ),
    ("GET", "/api/v1/records/{record_id}"): Operation("One record", "records", example={**_ITEM, "fields": _ROW}, query=("rev",)),
    ("POST", "/api/v1/records/{record_id}/revisions"): Operation(
        "Publish a revision", "records", 201, _JSON_ROW, {**_ACCEPTED, "rev": 2}, _WAITING
    ),
    ("POST", "/api/v1/records/{record_id}/revoke"): Operation(
        "Revoke a record",
        "records",
        202,
        _model(ReasonIn, {"reason": 1}),
        {"record_id": _ACCEPTED["record_id"], "rev": 1, "status": "revoked", "state": "pending"},
        _WAITING,
    ),
    ("POST", "/api/v1/records/{record_id}/erase"): Operation(
        "Erase every revision of a record", "records", 202, _model(ReasonIn, {"reason": 3}), _ERASED, _WAITING
    ),
    ("POST", "/api/v1/attachments"): Operation(
        "Begin an upload (resumable; the body may be the whole file, a part, or empty)",
        "attachments",
        201,
        _BYTES,
        _ATTACHMENT,
        ("Content-Disposition", "Upload-Complete", "Upload-Length", "Repr-Digest"),
    ),
    ("GET", "/api/v1/attachments"): Operation(
        "Attachments in the order of their beginning",
        "attachments",
        example={"items": [_ATTACHMENT], "next": None},
    ),
    ("PATCH", "/api/v1/attachments/{attachment_id}"): Operation(
        "Append to an upload from its offset on (HEAD tells the offset)",
        "attachments",
        200,
        {"application/partial-upload": {"schema": {"type": "string"}, "example": "the bytes from the offset on"}},
        _ATTACHMENT,
        ("Upload-Offset", "Upload-Complete", "Upload-Length"),
    ),
    ("GET", "/api/v1/attachments/{attachment_id}"): Operation(
        "The content of an attachment, whole or one range", "attachments", produces=OCTETS, parameters=("Range",)
    ),
    ("GET", "/api/v1/attachments/{attachment_id}/state"): Operation(
        "One attachment without its content", "attachments", example=_ATTACHMENT
    ),
    ("DELETE", "/api/v1/attachments/{attachment_id}"): Operation(
        "Cancel an upload, or delete an attachment that nothing uses", "attachments", 204
    ),
    ("GET", "/api/v1/records/{record_id}/erasure"): Operation(
        "Where an erasure stands, and what its recipients say", "records", example=_ERASURE
    ),
    ("POST", "/exchange/v1/notices"): Operation(
        "Follow a sealed notice of another department's node and acknowledge it", "exchange", 200, _SEALED, produces=OCTETS
    ),
    ("POST", "/exchange/v1/requests"): Operation(
        "Answer a sealed request of another department's node", "exchange", 200, _SEALED, produces=OCTETS
    ),
    ("POST", "/exchange/v1/files"): Operation(
        "Give a piece of a file that a granted field names, for a sealed request", "exchange", 200, _SEALED, produces=OCTETS
    ),
    ("POST", "/exchange/v1/self-access"): Operation(
        "Give the authority what this log says about a person who was verified", "exchange", 200, _SEALED, produces=OCTETS
    ),
    ("GET", "/exchange/v1/schemas/{schema_hash}"): Operation("A schema file by its hash", "exchange", example={"title": "…"}),
    ("POST", "/exchange/v1/receipts"): Operation(
        "The receipt of a leaf that the caller knows",
        "exchange",
        200,
        {
            "application/json": {
                "schema": {"type": "object"},
                "example": {"kind": "record", "id": _ACCEPTED["record_id"], "number": 1, "leaf": _ACCEPTED["leaf"]},
            }
        },
        {"receipt": None},
    ),
    ("POST", "/exchange/v1/reconciliations"): Operation(
        "A page of the read statements about the department that asks",
        "exchange",
        200,
        {"application/json": {"schema": {"type": "object"}, "example": {"after": 0, "limit": 500}}},
        {"statements": ["eyJpc3Mi…"], "receipts": [None], "next": None},
    ),
}

PLAIN_LISTS = {
    ("GET", "/api/v1/datasets/{dataset}/records"),
    ("POST", "/api/v1/datasets/{dataset}/records/search"),
    ("GET", "/api/v1/attachments"),
}
"""Plain routes that answer a page of a list."""

_RECEIPT = {
    "chain_id": 31337,
    "genesis_hash": "0x" + "12" * 32,
    "ledger": "0x5FbDB2315678afecb367f032d93F642f64180aa3",
    "department": "12411599MBDEM00233",
    "stream": "records",
    "sequence": 1,
    "index": 0,
    "size": 1,
    "root": "ab" * 32,
    "suite": 1,
    "path": [],
    "block_number": 7,
    "block_time": 1790000000,
    "tx_hash": "0x" + "cd" * 32,
}
_BUNDLE = {
    "format": "xinlian-evidence/1",
    "statement": "eyJpc3Mi…",
    "disclosures": ["WyJz…"],
    "receipt": _RECEIPT,
    "successor": None,
    "issued_at": 1790000100,
}
_VIEW = {
    "block_number": 7,
    "block_hash": "0x" + "34" * 32,
    "block_time": 1790000000,
    "age_s": 0.4,
    "law_time": 1790000012,
    "state": "fresh",
}
_QUERY = {
    "rid": "q3Jr0w4u2cWz1m5b8n7x9A",
    "state": "received",
    "view": {"block_number": 7, "block_time": 1790000000},
    "items": [{"outcome": "records", "records": [{"record_id": _ACCEPTED["record_id"], "values": {"balance_yuan": "32000.00"}}]}],
}
_READ = {"position": 1, "rid": _QUERY["rid"], "role": "provider", "counterparty": "12411599MBDEM00233", "outcome": "records"}
_DEPARTMENT = {"uscc": "12411599MBDEM00233", "name": "测试市住房公积金管理中心", "kind": "department", "active": True}

ANSWERS: dict[tuple[str, str], Any] = {
    ("GET", "/healthz"): {"status": "ok"},
    ("GET", "/readyz"): {
        "ready": True,
        "checks": [{"name": "chain", "ok": True, "detail": "view fresh"}],
        "view": _VIEW,
        "wall_offset_s": -3.0,
    },
    ("GET", "/metrics"): "xinlian_view_age_seconds 0.4\n",
    ("GET", "/api/v1/view"): _VIEW,
    ("GET", "/api/v1/departments"): {"items": [_DEPARTMENT], "next": None},
    ("GET", "/api/v1/datasets/{dataset}/schema"): {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "…"},
    ("GET", "/api/v1/records/{record_id}/receipt"): {
        "record_id": _ACCEPTED["record_id"],
        "rev": 1,
        "leaf": "ab" * 32,
        "state": "anchored",
        "pending_since": None,
        "status": "current",
        "receipt": _RECEIPT,
    },
    ("GET", "/api/v1/records/{record_id}/bundle"): _BUNDLE,
    ("GET", "/api/v1/answers/{position}/bundle"): _BUNDLE,
    ("GET", "/api/v1/acts/{position}/bundle"): _BUNDLE,
    ("GET", "/api/v1/reads/{position}/bundle"): _BUNDLE,
    ("POST", "/api/v1/verifications"): {
        "format": "xinlian-report/1",
        "verdict": "AUTHENTIC",
        "exit_code": 0,
        "checks": [{"name": "format", "outcome": "passed", "detail": ""}],
        "remarks": [],
    },
    ("POST", "/api/v1/queries"): _QUERY,
    ("GET", "/api/v1/queries"): {"items": [{"rid": _QUERY["rid"], "state": "received"}], "next": None},
    ("GET", "/api/v1/queries/{rid}"): _QUERY,
    ("POST", "/api/v1/queries/{rid}/attachments"): {**_ATTACHMENT, "origin": "received", "received": _FETCHED},
    ("GET", "/api/v1/queries/{rid}/bundles"): {"items": [_BUNDLE], "next": None},
    ("GET", "/api/v1/reads"): {"items": [_READ], "next": None},
    ("POST", "/api/v1/reads/reconcile"): {
        "counterparty": "12411599MBDEM0058M",
        "agreed": 3,
        "missing_here": [],
        "missing_there": [],
        "unanswered": [],
        "differing": [],
        "repeated": [],
        "unproven_here": [],
        "unproven_there": [],
        "clean": True,
    },
    ("GET", "/api/v1/notices"): {"items": [_NOTICE], "next": None},
    ("GET", "/api/v1/notices/received"): {
        "items": [
            {
                "notice": "3f" * 16,
                "sender": "11411599MBDEM0066K",
                "kind": "erased",
                "received_at": 1790000001,
                "outcome": "deleted",
                "deleted": 1,
                "kept": [],
            }
        ],
        "next": None,
    },
    ("GET", "/api/v1/parked"): {
        "items": [{"id": 1, "kind": "anchoring", "ref": "outbox", "reason": "tx-reverted", "since": 1790000000, "attempts": 5}],
        "next": None,
    },
    ("POST", "/api/v1/webhooks/{hook_id}/test"): {"webhook": 1, "state": "queued"},
    ("POST", "/api/v1/parked/{item_id}/replay"): {"replayed": 1},
    ("GET", "/api/v1/batches"): {
        "items": [{"stream": "records", "sequence": 1, "size": 1, "root": "ab" * 32, "state": "final", "block_number": 7}],
        "next": None,
    },
    ("GET", "/api/v1/transactions"): {
        "items": [{"id": 1, "nonce": 0, "hash": "0x" + "cd" * 32, "purpose": "RecordLedger.anchor", "state": "final"}],
        "next": None,
    },
    ("POST", "/api/v1/keys/rotate"): {"kind": "signing", "kid": "…", "tx_hash": "0x" + "cd" * 32},
    ("POST", "/api/v1/chain/reattach"): {
        "chain_id": 31337,
        "genesis_hash": "0x" + "ab" * 32,
        "batches": 12,
        "marks": 1,
        "redo": {
            "register": True,
            "datasets": ["12411599MBDEM0058M/000001@1"],
            "grants": [],
            "cases": ["CASE-1"],
            "calendar_years": [2026],
            "authorisations": [],
        },
        "restart": True,
    },
}
"""Examples of answers that no model describes."""

BODIES: dict[tuple[str, str], dict[str, Any]] = {
    ("POST", "/api/v1/datasets"): {
        "application/schema+json": {"schema": {"type": "object"}, "example": {"x-format": "xinlian-dataset/1", "title": "…"}}
    },
    ("POST", "/api/v1/chain/reattach"): {
        "application/json": {"schema": {"type": "object"}, "example": {"format": "xinlian-deployment/1", "chain_id": 31337}}
    },
    ("POST", "/api/v1/authority/departments"): {
        "application/json": {
            "schema": {"type": "object"},
            "example": {"format": "xinlian-registration/1", "uscc": "12411599MBDEM00233", "kind": "department"},
        }
    },
    ("POST", "/api/v1/authority/recoveries"): {
        "application/json": {
            "schema": {"type": "object"},
            "example": {"format": "xinlian-registration/1", "uscc": "12411599MBDEM00233", "kind": "department"},
        }
    },
    ("PUT", "/api/v1/authority/calendar/{year}"): {
        "application/json": {
            "schema": {"type": "object"},
            "example": {
                "format": "xinlian-calendar/1",
                "note": "",
                "years": {"2026": {"source": "…", "holidays": [_HOLIDAY], "make_up_days": [_MAKE_UP_DAY]}},
            },
        }
    },
    ("POST", "/api/v1/verifications"): {"application/json": {"schema": {"type": "object"}, "example": _BUNDLE}},
}
"""Bodies that are read as bytes, which the framework does not see."""

OTHER_MEDIA = {
    ("GET", "/metrics"): "text/plain",
    ("GET", "/api/v1/datasets/{dataset}/schema"): "application/schema+json",
    ("GET", "/api/v1/datasets/{dataset}/template"): _XLSX,
}

PROBLEM_EXAMPLES = {
    "400": "json-broken",
    "401": "token-missing",
    "403": "role-missing",
    "404": "record-unknown",
    "409": "idempotency-mismatch",
    "413": "too-large",
    "422": "request-body",
    "500": "internal",
    "503": "rpc-down",
}
