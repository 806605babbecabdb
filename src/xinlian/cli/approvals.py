"""How an approval is printed, for every command that makes one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from xinlian.cli.output import pairs, table
from xinlian.protocol.errors import CATALOGUE

_HEAD = ("id", "kind", "object", "state", "round", "proposal", "document", "code", "result")
_STEPS = ("seq", "act", "person_id", "name", "post", "at", "reason")


def approval_text(approval: Mapping[str, Any]) -> str:
    """An approval and its steps as text."""
    head = {name: approval.get(name) for name in _HEAD}
    if head["code"] in CATALOGUE:
        head["what to do"] = CATALOGUE[str(head["code"])].remedy
    steps = approval.get("steps") or []
    return pairs(head) + "\n\n" + table(_STEPS, [[step.get(name) for name in _STEPS] for step in steps])
