"""Two persons for what binds a department: one proposes, the head of its sharing office consents, the node carries it out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scripts.demo_app.problems import DemoError
from scripts.demo_app.web import Api


def approved(
    proposer: Api, head: Api, path: str, body: object = None, headers: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Propose by a call that answers with an approval, consent as the head to exactly that, and give back the result.

    Raises:
        ApiError: when either call is refused.
        DemoError: when it was not carried out.
    """
    proposed = proposer.post(path, body, headers)
    consent = {"proposal": proposed["proposal"]}
    done = head.post(f"/api/v1/approvals/{proposed['id']}/consent", consent)
    if done["state"] != "done":
        raise DemoError(f"{head.node}: approval {done['id']} ({done['kind']}) is {done['state']}: {done['code']}")
    result: dict[str, Any] = done["result"]
    return result
