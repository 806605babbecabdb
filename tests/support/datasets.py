"""Datasets for tests: the shipped ones, and a small one with a field of every type that tests may bend.

Example: ``document = small_document(); document["x-key"] = ["no"]; load(document)``
"""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

from xinlian.protocol.dataset import DatasetSchema, FieldType, Kind, field_schema, load_schema

_DIGEST = "ab" * 32


def prop(title: str, type_: FieldType, codes: dict[str, str] | None = None, **extra: Any) -> dict[str, Any]:
    """A property of a schema file; ``extra`` with ``x_`` for ``x-``."""
    is_nullable = bool(extra.get("x_nullable", False))
    entry: dict[str, Any] = {"title": title, **field_schema(type_, is_nullable=is_nullable, codes=tuple(codes or ()))}
    entry |= {"x-type": str(type_), "x-sensitivity": "PI"}
    if type_.is_signed:
        entry["x-signed"] = True
    if codes:
        entry["x-labels"] = codes
    return entry | {key.replace("x_", "x-"): value for key, value in extra.items()}


def small_document() -> dict[str, Any]:
    """A schema file with every type, an array, a lookup of each sort and a view of each kind."""
    properties = {
        "no": prop("编号", FieldType(Kind.TEXT, 20), x_lookup="contract", x_sensitivity="公开", x_verifiable=True),
        "person": prop("证件号", FieldType(Kind.TEXT, 18), x_check="id", x_lookup="person", x_grantable=False),
        "amount": prop("金额", FieldType(Kind.DECIMAL, 8, 2), x_unit="元", x_verifiable=True),
        "balance": prop("差额", FieldType(Kind.DECIMAL, 8, 3, is_signed=True), x_nullable=True),
        "months": prop("月数", FieldType(Kind.INTEGER, 4), x_sensitivity="内部"),
        "day": prop("日期", FieldType(Kind.DATE), x_nullable=True),
        "moment": prop("时间", FieldType(Kind.DATETIME), x_sensitivity="内部"),
        "state": prop("状态", FieldType(Kind.ENUM), {"01": "正常", "02": "封存"}, x_sensitivity="公开"),
        "is_open": prop("有效", FieldType(Kind.LOGICAL)),
        "owners": {
            "title": "权利人",
            "type": "array",
            "minItems": 1,
            "maxItems": 3,
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["name", "id_number"],
                "properties": {
                    "name": prop("姓名", FieldType(Kind.TEXT, 30)),
                    "id_number": prop("证件", FieldType(Kind.TEXT, 18), x_check="id", x_lookup="person", x_nullable=True),
                },
            },
            "x-order": ["name", "id_number"],
        },
    }
    views = [
        {"name": "any_row", "title": "有", "kind": "exists", "lookup": "person"},
        {"name": "no_row", "title": "无", "kind": "none", "lookup": "person", "where": {"state": "01"}},
        {"name": "rows", "title": "数", "kind": "count", "lookup": "owners.id_number", "distinct": "no"},
        {
            "name": "enough",
            "title": "够",
            "kind": "threshold",
            "lookup": "no",
            "where": {"is_open": True},
            "field": "amount",
            "aggregate": "sum",
            "parameter": "required",
        },
        {"name": "same_state", "title": "同", "kind": "equals", "lookup": "no", "field": "state", "parameter": "state"},
    ]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "测试目录",
        "x-format": "xinlian-dataset/1",
        "x-catalogue": catalogue(),
        "type": "object",
        "additionalProperties": False,
        "required": list(properties),
        "x-order": list(properties),
        "x-key": ["no"],
        "properties": properties,
        "x-views": views,
    }


def catalogue() -> dict[str, Any]:
    """A catalogue entry with all items."""
    return {
        "catalog_code": "12411599MBDEM00233/000009",
        "version": 1,
        "alias": "CS-01",
        "catalog_name": "测试目录",
        "category": "部门",
        "provider": {"name": "测试市住房公积金管理中心", "uscc": "12411599MBDEM00233"},
        "source_dept_uscc": "12411599MBDEM00233",
        "abstract": "测试",
        "format": "7",
        "update_cycle": "2",
        "share_type": 2,
        "share_scope": ["测试"],
        "allowed_purposes": ["TEST_PURPOSE"],
        "share_methods": ["服务接口"],
        "modes": ["verify", "query", "answer"],
        "use_conditions": "仅限测试",
        "data_class": "个人信息",
        "data_grade": "一般-3级",
        "secret": "非涉密",
        "secrecy_assessment": {"date": "2026-02-20", "by": "测试戊", "result": "非涉密", "digest": _DIGEST},
        "pia": {"date": "2026-02-21", "by": "测试丙", "result": "风险可控", "digest": _DIGEST},
        "head_consent": {"name": "测试丁", "time": "20260224T101500"},
    }


def small_row(number: int = 1) -> dict[str, Any]:
    """A sound row of the small dataset."""
    return {
        "no": f"WQ{number:06d}",
        "person": "411599199001010014",
        "amount": "1234.50",
        "balance": None,
        "months": 48,
        "day": "2026-02-28",
        "moment": "20261102T080000",
        "state": "01",
        "is_open": True,
        "owners": [{"name": "测试甲", "id_number": "411599199001010014"}, {"name": "测试乙", "id_number": None}],
    }


def load(document: object) -> DatasetSchema:
    """Load a schema document."""
    return load_schema(json.dumps(document, ensure_ascii=False).encode())


def file_document(**extra: Any) -> dict[str, Any]:
    """The small dataset with a file field ``scan`` (pdf or png, nullable) and a file in every item of the array."""
    document = small_document()
    types = ("application/pdf", "image/png")
    scan = prop("扫描件", FieldType(Kind.FILE), x_nullable=True)
    scan |= {"x-media-types": list(types), **field_schema(FieldType(Kind.FILE), is_nullable=True, codes=types), **extra}
    document["properties"]["scan"] = scan
    owners = document["properties"]["owners"]
    owners["items"]["properties"]["proof"] = prop("证明", FieldType(Kind.FILE), x_nullable=True)
    for listing in (document["required"], document["x-order"]):
        listing.append("scan")
    for listing in (owners["items"]["required"], owners["x-order"]):
        listing.append("proof")
    return document


def file_row(number: int = 1, scan: object = None, *proofs: object) -> dict[str, Any]:
    """A row of ``file_document``."""
    row = small_row(number)
    owners = [{**owner, "proof": proof} for owner, proof in zip(row["owners"], [*proofs, None, None], strict=False)]
    return {**row, "scan": scan, "owners": owners}


def file_json(content: bytes, media_type: str = "application/pdf", name: str = "授权书.pdf") -> dict[str, Any]:
    """The value of a file field for some content."""
    return {"sha256": sha256(content).hexdigest(), "bytes": len(content), "media_type": media_type, "name": name}
