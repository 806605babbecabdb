"""``xinlian chain``: the node's view of the chain."""

from __future__ import annotations

from typing import Annotated

import typer

from xinlian.cli.command import OFFLINE, ONLINE, Session, command, end_with, group
from xinlian.cli.commands.node import ConfigOption
from xinlian.cli.exit_codes import Exit
from xinlian.cli.files import read_bytes
from xinlian.cli.output import pairs, table

app = group("The node's view of the chain, and going on with a new one.")
MAX_MANIFEST_BYTES = 100_000


@command(app, "status", ONLINE)
def status(session: Session) -> None:
    """Block and time as of which the node speaks, how old that is, and what is not ready; exit 1 when it is not ready."""
    reply = session.client.exchange("GET", "/readyz")
    readiness = reply.json()
    session.output.result(readiness, lambda: _text(readiness))
    if readiness.get("ready") is not True:
        end_with(Exit.FAILED)


@command(app, "reattach", OFFLINE)
def reattach(
    session: Session,
    deployment: Annotated[str, typer.Argument(metavar="MANIFEST", help="Deployment manifest of the new chain.")],
    config: ConfigOption = None,
    rpc: Annotated[str | None, typer.Option("--rpc", help="RPC endpoint of the new chain; else that of the settings.")] = None,
) -> None:
    """Go on with a new chain after the old one is gone: the node must be stopped; the same roots are anchored again."""
    import asyncio

    from xinlian.node.reattach import reattach_offline
    from xinlian.node.settings import load_settings

    settings = load_settings(config)
    manifest = read_bytes(deployment, MAX_MANIFEST_BYTES)
    url = settings.rpc_urls[0] if rpc is None else rpc
    call = reattach_offline(settings.data_dir, settings.department, url, settings.deployment, manifest)
    document = asyncio.run(call).to_json()
    session.output.result(document, lambda: pairs(document))


def _text(readiness: dict[str, object]) -> str:
    checks = readiness.get("checks")
    rows = (
        [(c.get("name"), c.get("ok"), c.get("detail")) for c in checks if isinstance(c, dict)] if isinstance(checks, list) else []
    )
    view = readiness.get("view")
    head = {"ready": readiness.get("ready"), **(view if isinstance(view, dict) else {})}
    head["wall_offset_s"] = readiness.get("wall_offset_s")
    return pairs(head) + "\n\n" + table(("check", "ok", "detail"), rows)
