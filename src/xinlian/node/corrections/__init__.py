"""Corrections (校核): disputing a value, answering, telling everybody who ever received the old one."""

from xinlian.node.corrections.approving import CorrectionApprovals
from xinlian.node.corrections.building import CorrectionDesk, CorrectionParts, corrections_of
from xinlian.node.corrections.disputed import Disputed, Disputes, Doubts
from xinlian.node.corrections.registry import Corrections
from xinlian.node.corrections.showing import CorrectionViews, told_json
from xinlian.node.corrections.steps import STEPS, Step
from xinlian.node.corrections.telling import CorrectionTelling
from xinlian.node.corrections.texts import Applications
from xinlian.node.corrections.waiting import corrections_waiting

__all__ = [
    "STEPS",
    "Applications",
    "CorrectionApprovals",
    "CorrectionDesk",
    "CorrectionParts",
    "CorrectionTelling",
    "CorrectionViews",
    "Corrections",
    "Disputed",
    "Disputes",
    "Doubts",
    "Step",
    "corrections_of",
    "corrections_waiting",
    "told_json",
]
