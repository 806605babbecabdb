"""Sharing: requests and their steps, terms, grants (Decree 809 art. 19-28)."""

from __future__ import annotations

from xinlian.node.sharing.approving import Before, RequestApprovals
from xinlian.node.sharing.conditions import GROUNDS, StepDetails
from xinlian.node.sharing.grants import GrantInfo, Grants
from xinlian.node.sharing.requests import NewRequest, SharingRequests
from xinlian.node.sharing.steps import STEPS, Party, Step
from xinlian.node.sharing.terms import ScopeByName, TermsByName
from xinlian.node.sharing.waiting import requests_waiting

__all__ = [
    "GROUNDS",
    "STEPS",
    "Before",
    "GrantInfo",
    "Grants",
    "NewRequest",
    "Party",
    "RequestApprovals",
    "ScopeByName",
    "SharingRequests",
    "Step",
    "StepDetails",
    "TermsByName",
    "requests_waiting",
]
