"""What a finding (问题线索) is: which article, which breach, whose, about what, since when, on what evidence.

Rules
1. A finding states facts that a rule found, never a judgement: whether there was cause is for the authority to say.
2. Its id is SHA-256 over article, breach, department, object and the first piece of evidence, so the same breach is raised once,
   on every node under the same id, however much evidence is added later.
3. Evidence names where the proof is (an event of the chain with the digest of its document, a read entry); it holds no personal
   data and no text.

Example: ``Finding(Article.LATE, "answer-late", provider, request_object(r, n), since, True, (EventRef.of(entry),), {})``

Source: Decree 809 art. 39-41; dossier 2.7.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import orjson

AUTHORITY = "authority"
"""Stands for the competent authority where it is the one that is late; it is no department of the registry."""


class Article(StrEnum):
    """The breaches of the decree that a rule looks for."""

    CATALOGUE = "39(1)"
    """目录未编制或未更新"""
    CONDITION = "39(2)"
    """擅自增设共享条件"""
    SOURCE = "39(3)"
    """未协助数源部门校核"""
    LATE = "39(4)"
    """无正当理由逾期答复或逾期提供"""
    RETURN_FLOW = "39(5)"
    """未按要求回流数据"""
    CORRECTION = "39(6)"
    """未按时校核更正"""
    STOPPED = "39(7)"
    """擅自终止或变更共享服务"""
    COLLECTION = "40(1)"
    """重复采集可通过共享获取的数据"""
    SCOPE = "40(2)"
    """超出使用范围、使用目的"""
    DISPOSAL = "40(4)"
    """使用完成后未妥善处置"""
    RECORDS = "40(5)"
    """未保存使用记录"""
    SECURITY = "40(6)"
    """未履行数据安全保障义务"""
    MEDIATION = "41"
    """主管部门未按规定协调争议"""


@dataclass(frozen=True, slots=True)
class EventRef:
    """An event of the chain; ``at`` is its block's time (epoch seconds), ``document`` the digest it carries (64 hex) or None."""

    contract: str
    event: str
    block: int
    tx_hash: str
    log_index: int
    at: int
    document: str | None = None

    def to_json(self) -> dict[str, object]:
        """As it is stored, shown and sent."""
        return {
            "kind": "event",
            "contract": self.contract,
            "event": self.event,
            "block": self.block,
            "tx_hash": self.tx_hash,
            "log_index": self.log_index,
            "at": self.at,
            "document": self.document,
        }


@dataclass(frozen=True, slots=True)
class ReadRef:
    """A read entry of a department's anchored stream ``reads``; its bundle proves it."""

    department: str
    position: int
    leaf: str
    at: int

    def to_json(self) -> dict[str, object]:
        """As it is stored, shown and sent."""
        return {"kind": "read", "department": self.department, "position": self.position, "leaf": self.leaf, "at": self.at}


Evidence = EventRef | ReadRef


@dataclass(frozen=True, slots=True)
class Finding:
    """One breach.

    Args:
        article: of Decree 809.
        breach: kebab-case word.
        department: USCC of whose breach it is, or ``AUTHORITY``.
        object_ref: what it is about.
        since_s: law time of the breach, epoch seconds.
        is_standing: whether it lasts; a late answer that was given meanwhile lasts no more, but stays a finding.
        evidence: at least one piece; the first one fixes the id.
        facts: numbers and codes that the rule compared.
    """

    article: Article
    breach: str
    department: str
    object_ref: str
    since_s: int
    is_standing: bool
    evidence: tuple[Evidence, ...]
    facts: Mapping[str, object] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """64 hex."""
        first = self.evidence[0].to_json()
        about = [self.article.value, self.breach, self.department, self.object_ref, first]
        return hashlib.sha256(orjson.dumps(about, option=orjson.OPT_SORT_KEYS)).hexdigest()

    def content(self) -> dict[str, object]:
        """What is kept of it beside the columns that lists are filtered by."""
        return {
            "breach": self.breach,
            "since": self.since_s,
            "standing": self.is_standing,
            "evidence": [one.to_json() for one in self.evidence],
            "facts": dict(self.facts),
        }
