"""Findings (问题线索): breaches of Decree 809 art. 39-41 that rules find in the chain's events and in this node's logs."""

from __future__ import annotations

from xinlian.node.findings.desk import FindingInfo, Findings, Limits, Tell
from xinlian.protocol.findings import AUTHORITY, Article, Finding

__all__ = ["AUTHORITY", "Article", "Finding", "FindingInfo", "Findings", "Limits", "Tell"]
