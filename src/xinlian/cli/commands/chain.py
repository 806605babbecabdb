"""``xinlian chain``: the node's view of the chain."""

from __future__ import annotations

from xinlian.cli.command import ONLINE, Session, command, end_with, group
from xinlian.cli.exit_codes import Exit
from xinlian.cli.output import pairs, table

app = group("The node's view of the chain.")


@command(app, "status", ONLINE)
def status(session: Session) -> None:
    """Block and time as of which the node speaks, how old that is, and what is not ready; exit 1 when it is not ready."""
    reply = session.client.exchange("GET", "/readyz")
    readiness = reply.json()
    session.output.result(readiness, lambda: _text(readiness))
    if readiness.get("ready") is not True:
        end_with(Exit.FAILED)


def _text(readiness: dict[str, object]) -> str:
    checks = readiness.get("checks")
    rows = (
        [(c.get("name"), c.get("ok"), c.get("detail")) for c in checks if isinstance(c, dict)] if isinstance(checks, list) else []
    )
    view = readiness.get("view")
    head = {"ready": readiness.get("ready"), **(view if isinstance(view, dict) else {})}
    head["wall_offset_s"] = readiness.get("wall_offset_s")
    return pairs(head) + "\n\n" + table(("check", "ok", "detail"), rows)
