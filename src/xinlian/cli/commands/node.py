"""``xinlian node``: run the node."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from xinlian.cli.command import OFFLINE, Session, command, group

app = group("Run the node.")
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
