"""Serve one node over HTTP: build the graph, run background work and uvicorn, stop cleanly on SIGTERM and SIGINT."""

from __future__ import annotations

import asyncio

import structlog
import uvicorn

from xinlian.api.app import create_app
from xinlian.api.logs import configure_logging
from xinlian.node.graph import build
from xinlian.node.life import Node
from xinlian.node.settings import Settings


def serve(settings: Settings) -> None:
    """Serve until a signal arrives.

    Raises:
        XinlianError: whatever building the node says; nothing was served then.
    """
    configure_logging()
    with asyncio.Runner(loop_factory=uvicorn.Config("", loop="auto").get_loop_factory()) as runner:  # uvloop where there is one
        runner.run(_serve(settings))


def server_config(node: Node) -> uvicorn.Config:
    """How uvicorn serves a node; whom a call comes from is decided by ``api.remote`` alone, not by uvicorn."""
    return uvicorn.Config(
        create_app(node),
        host=node.settings.listen_host,
        port=node.settings.listen_port,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        lifespan="off",
        timeout_keep_alive=30,
        h11_max_incomplete_event_size=65_536,
    )


async def _serve(settings: Settings) -> None:
    node = await build(settings)
    config = server_config(node)
    async with node.running():
        structlog.get_logger(__name__).info("serving", department=settings.department, port=settings.listen_port)
        await uvicorn.Server(config).serve()
