"""The dataset of the bench: 20 fields of mixed types, about 850 bytes a row, one lookup; and its synthetic rows."""

from __future__ import annotations

import json
import random
from typing import Any

ALIAS = "BENCH-20"
PURPOSE = "HPF_LOAN_REVIEW"
OWNER = "12411599MBDEM0058M"
_PATTERN = "^[^\\x00-\\x1f\\x7f]*$"
_DIGITS = "10X98765432"
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
TEXTS = 12


def schema_file(serial: int = 20) -> bytes:
    """The schema file."""
    properties: dict[str, Any] = {
        "row_no": _text("序号", 20),
        "id_number": {**_text("证件号码", 18), "minLength": 18, "x-check": "id", "x-lookup": "person", "x-sensitivity": "PI"},
    }
    for i in range(TEXTS):
        properties[f"text_{i:02d}"] = _text(f"文本{i:02d}", 120)
    for i in range(3):
        properties[f"amount_{i}_yuan"] = {
            "title": f"金额{i}",
            "type": "string",
            "pattern": r"^(0|[1-9][0-9]{0,15})\.[0-9]{2}$",
            "x-type": "N(18,2)",
            "x-unit": "元",
            "x-sensitivity": "SPI",
        }
    for i in range(2):
        properties[f"day_{i}"] = {
            "title": f"日期{i}",
            "type": "string",
            "format": "date",
            "pattern": "^[12][0-9]{3}-[0-9]{2}-[0-9]{2}$",
            "x-type": "D",
            "x-sensitivity": "内部",
        }
    properties["flag"] = {"title": "标志", "type": "boolean", "x-type": "L", "x-sensitivity": "内部"}
    order = list(properties)
    return json.dumps(_document(properties, order, serial), ensure_ascii=False).encode()


def _text(title: str, length: int) -> dict[str, Any]:
    return {
        "title": title,
        "type": "string",
        "minLength": 1,
        "maxLength": length,
        "pattern": _PATTERN,
        "x-type": f"C({length})",
        "x-sensitivity": "内部",
    }


def _document(properties: dict[str, Any], order: list[str], serial: int) -> dict[str, Any]:
    assessment = {"date": "2026-02-20", "by": "测试戊", "result": "非涉密", "digest": "ab" * 32}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "测量用数据",
        "x-format": "xinlian-dataset/1",
        "x-catalogue": {
            "catalog_code": f"{OWNER}/{serial:06d}",
            "version": 1,
            "alias": ALIAS,
            "catalog_name": "测量用数据",
            "category": "部门",
            "provider": {"name": "测试市不动产登记中心", "uscc": OWNER},
            "source_dept_uscc": OWNER,
            "abstract": "测量用合成数据",
            "format": "7",
            "update_cycle": "1",
            "share_type": 2,
            "share_scope": ["住房公积金管理中心"],
            "allowed_purposes": [PURPOSE],
            "share_methods": ["服务接口"],
            "modes": ["verify", "query", "answer"],
            "use_conditions": "测量",
            "data_class": "个人信息",
            "data_grade": "一般-3级",
            "secret": "非涉密",
            "secrecy_assessment": assessment,
            "pia": assessment,
            "head_consent": {"name": "测试丁", "time": "20260224T101500"},
        },
        "type": "object",
        "additionalProperties": False,
        "required": order,
        "x-order": order,
        "x-key": ["row_no"],
        "properties": properties,
        "x-views": [{"name": "known", "title": "有记录", "kind": "exists", "lookup": "id_number"}],
    }


def person(number: int) -> str:
    """A synthetic ID number with a correct check digit (region 411599)."""
    body = (
        f"411599{1950 + number // 100_000 % 50:04d}{1 + number // 2800 % 12:02d}{1 + number // 100 % 28:02d}{number % 1000:03d}"
    )
    return body + _DIGITS[sum(int(d) * w for d, w in zip(body, _WEIGHTS, strict=True)) % 11]


def row(number: int, rng: random.Random) -> dict[str, Any]:
    """One row."""
    values: dict[str, Any] = {"row_no": f"{number:012d}", "id_number": person(number)}
    for i in range(TEXTS):
        values[f"text_{i:02d}"] = f"测试市测试路{rng.randrange(10_000)}号测试小区{i}栋 {rng.getrandbits(64):016x}"
    for i in range(3):
        values[f"amount_{i}_yuan"] = f"{rng.randrange(10**7)}.{rng.randrange(100):02d}"
    for i in range(2):
        values[f"day_{i}"] = f"20{rng.randrange(10, 27)}-{rng.randrange(1, 13):02d}-{rng.randrange(1, 29):02d}"
    values["flag"] = rng.random() < 0.5
    return values


def rows(first: int, count: int) -> list[dict[str, Any]]:
    """Rows with numbers from ``first`` on, always the same."""
    rng = random.Random(first)
    return [row(number, rng) for number in range(first, first + count)]
