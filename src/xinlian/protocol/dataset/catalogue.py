"""The catalogue entry of a schema file.

Source: Decree 809 art. 13-15 (the nine items, sharing property); PIPL art. 55; dossier 2.2.
"""

from __future__ import annotations

import re
from typing import Final

from xinlian.protocol.codes import check_uscc
from xinlian.protocol.dataset.model import Assessment, Catalogue, Mode
from xinlian.protocol.dataset.node import Node, fail
from xinlian.protocol.errors import InputError

CODE: Final = re.compile(r"[0-9A-HJ-NPQRTUWXY]{18}/(?!000000)\d{6}")
_PURPOSE: Final = re.compile(r"[A-Z0-9_-]{1,32}")
_DAY: Final = re.compile(r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])")
_MOMENT: Final = re.compile(r"\d{8}T\d{6}")
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_CATEGORIES: Final = ("基础", "主题", "部门")
_SHARE_METHODS: Final = ("服务接口", "批量交换", "文件下载")
_GRADE: Final = re.compile(r"核心|重要|一般(-[1-4]级)?")

_KEYS: Final = frozenset(
    [
        "catalog_code",
        "version",
        "alias",
        "catalog_name",
        "category",
        "provider",
        "source_dept_uscc",
        "abstract",
        "format",
        "update_cycle",
        "share_type",
        "share_scope",
        "allowed_purposes",
        "no_share_reason",
        "no_share_basis",
        "share_methods",
        "modes",
        "use_conditions",
        "requires_authorisation",
        "data_class",
        "data_grade",
        "secret",
        "secrecy_assessment",
        "pia",
        "head_consent",
    ]
)


def read_catalogue(node: Node, *, is_personal: bool) -> Catalogue:
    """The catalogue entry under ``x-catalogue``.

    Args:
        node: the object.
        is_personal: the dataset holds personal data, so an impact assessment is required.

    Raises:
        InputError: ``schema-form``.
    """
    node.only(_KEYS)
    provider, consent = node.child("provider"), node.child("head_consent")
    provider.only(frozenset(("name", "uscc")))
    consent.only(frozenset(("name", "time")))
    node.equal("secret", "非涉密")
    catalogue = Catalogue(
        catalog_name=node.text("catalog_name", max_length=128),
        category=node.one_of("category", _CATEGORIES),
        provider_name=provider.text("name", max_length=100),
        provider_uscc=_uscc(provider, "uscc"),
        source_dept_uscc=_uscc(node, "source_dept_uscc"),
        abstract=node.text("abstract"),
        format=node.one_of("format", ("1", "2", "3", "4", "5", "6", "7")),
        update_cycle=node.one_of("update_cycle", ("1", "2", "3", "4", "5", "6", "9")),
        share_type=node.integer("share_type", 1, 3),
        share_scope=node.texts("share_scope"),
        allowed_purposes=node.texts("allowed_purposes", _PURPOSE, expected="purposes ([A-Z0-9_-], up to 32)"),
        no_share_reason=node.text_or("no_share_reason", ""),
        no_share_basis=node.text_or("no_share_basis", ""),
        share_methods=node.several_of("share_methods", _SHARE_METHODS),
        modes=tuple(Mode(mode) for mode in node.several_of("modes", tuple(Mode))),
        use_conditions=node.text("use_conditions"),
        requires_authorisation=node.flag("requires_authorisation", False),
        data_class=node.text("data_class", max_length=60),
        data_grade=node.text("data_grade", _GRADE, "核心, 重要, 一般 or 一般-1级 … 一般-4级"),
        secrecy="非涉密",
        secrecy_assessment=_assessment(node.child("secrecy_assessment")),
        pia=_assessment(node.child("pia")) if "pia" in node.value else None,
        head_consent_name=consent.text("name", max_length=60),
        head_consent_time=consent.text("time", _MOMENT, "YYYYMMDDThhmmss"),
    )
    _check_sharing(node, catalogue, is_personal=is_personal)
    return catalogue


def _uscc(node: Node, key: str) -> str:
    value = node.text(key)
    try:
        check_uscc(value)
    except InputError as error:
        raise fail(node.at(key), "a 统一社会信用代码 with right check digits (GB 32100)") from error
    return value


def _assessment(node: Node) -> Assessment:
    node.only(frozenset(("date", "by", "result", "digest")))
    return Assessment(
        date=node.text("date", _DAY, "YYYY-MM-DD"),
        by=node.text("by", max_length=60),
        result=node.text("result", max_length=60),
        digest=node.text("digest", _DIGEST, "64 hex digits of the document's SHA-256"),
    )


def _check_sharing(node: Node, catalogue: Catalogue, *, is_personal: bool) -> None:
    """Decree 809 art. 14-15 and PIPL art. 55: what each sharing property must name."""
    if node.text("catalog_code", CODE, "<USCC>/<6 digits>, not 000000")[:18] != catalogue.provider_uscc:
        raise fail(node.at("catalog_code"), "the provider's USCC in front")
    if catalogue.share_type == 2 and not (catalogue.share_scope and catalogue.allowed_purposes):
        raise fail(node.place, "share_scope and allowed_purposes, because share_type is 2 (有条件共享)")
    if catalogue.share_type == 3 and not (catalogue.no_share_reason and catalogue.no_share_basis):
        raise fail(node.place, "no_share_reason and no_share_basis, because share_type is 3 (不予共享)")
    if catalogue.share_type != 3 and (catalogue.no_share_reason or catalogue.no_share_basis):
        raise fail(node.place, "no no_share_reason or no_share_basis, because share_type is not 3")
    if is_personal and catalogue.pia is None:
        raise fail(node.at("pia"), "an assessment, because the dataset holds personal data (PIPL art. 55)")
