"""Every route of an application, and paths filled with names that exist nowhere (but the dataset)."""

from __future__ import annotations

import re

from starlette.routing import Route

from tests.support.network import D02, Network
from xinlian.api import openapi
from xinlian.api.app import create_app

DOCUMENTS = {"/api/v1/openapi.json"}
"""The document of the API: it shows nothing of the node."""

FILLED = {
    "dataset": "GJJ-01",
    "record_id": "01a208dd-04fb-7410-b86b-913eca60739a",
    "uscc": D02,
    "provider": D02,
    "recorder": D02,
    "authorisation_id": "ab" * 32,
    "requester": D02,
    "receiver": D02,
    "step": "agree",
    "mark": "overdue",
    "lead": D02,
    "case_no": "NONE",
    "number": "999",
    "position": "999",
    "user_id": "999",
    "item_id": "999",
    "approval_id": "999",
    "hook_id": "999",
    "delivery_id": "999",
    "digest": "ab" * 32,
    "attachment_id": "0" * 32,
    "duty_id": "999",
    "record_no": "999",
    "disposal_no": "999",
    "finding_id": "ab" * 32,
    "rid": "none",
    "schema_hash": "ab" * 32,
    "year": "2027",
    "from_day": "2026-09-28",
    "to_day": "2026-09-28",
    "address": "0x" + "00" * 20,
}


def routes(network: Network) -> list[tuple[str, str, Route]]:
    """(method, path, route) of everything the application serves."""
    app = create_app(network[D02].node)
    served = []
    for route in openapi.served(app):
        assert isinstance(route, Route), f"{route!r}: mounts and sockets need a decision of their own"
        served += [(method, route.path, route) for method in sorted(route.methods or ()) if method != "HEAD"]
    return served


def filled(path: str) -> str:
    """A path template with names."""
    return re.sub(r"\{(\w+)\}", lambda match: FILLED[match[1]], path)
