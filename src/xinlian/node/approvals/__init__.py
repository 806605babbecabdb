"""Approvals: what binds the department is proposed by one person and consented to by another.

``kinds`` says what can be proposed, ``workflow`` holds the steps of persons, ``execution`` what the node does after a consent,
``views`` how it is shown.
"""

from xinlian.node.approvals.execution import ExecutionParts
from xinlian.node.approvals.kinds import Consented, Kind, Proposal, Result, Signatures, Text, consent_text
from xinlian.node.approvals.views import ApprovalInfo, StepInfo
from xinlian.node.approvals.workflow import Approvals, Change, Observer

__all__ = [
    "ApprovalInfo",
    "Approvals",
    "Change",
    "Consented",
    "ExecutionParts",
    "Kind",
    "Observer",
    "Proposal",
    "Result",
    "Signatures",
    "StepInfo",
    "Text",
    "consent_text",
]
