"""``xinlian node``: run the node; maintenance while it is stopped."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from xinlian.cli.command import OFFLINE, Session, command, group
from xinlian.cli.output import pairs

app = group("Run the node; maintenance while it is stopped.")
ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", envvar="XINLIAN_CONFIG", show_envvar=True, help="node.toml; default: the environment alone."),
]


@command(app, "serve", OFFLINE)
def serve(session: Session, config: ConfigOption = None) -> None:
    """Serve until SIGTERM or Ctrl-C; logs are JSON lines on stderr."""
    from xinlian.api.server import serve as serve_node
    from xinlian.node.settings import load_settings

    settings = load_settings(config)
    session.output.progress(f"node of {settings.department} on {settings.listen_host}:{settings.listen_port}")
    serve_node(settings)


@command(app, "reindex", OFFLINE)
def reindex(session: Session, config: ConfigOption = None) -> None:
    """Make the blind index anew from the records, under fresh keys. The node must be stopped; run again, it goes on."""
    from xinlian.node.graph import KEYS_DIR
    from xinlian.node.reindexing import reindex_offline
    from xinlian.node.settings import load_settings
    from xinlian.store.secrets import NodeKeys

    settings = load_settings(config)
    keys = NodeKeys.load(settings.data_dir / KEYS_DIR, settings.passphrase_bytes().decode())
    document = reindex_offline(settings, keys, session.output.progress).to_json()
    session.output.result(document, lambda: pairs(document))
