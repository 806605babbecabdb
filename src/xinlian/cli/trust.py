"""What an offline command trusts: the deployment manifest and the RPC endpoints.

Rules
1. Manifest: ``--deployment``, else ``XINLIAN_DEPLOYMENT``, else ``~/.config/xinlian/deployment.json``, else none.
2. RPC: every ``--rpc``, else ``XINLIAN_RPC_URLS`` (the node's setting: a JSON list), else ``XINLIAN_RPC_URL``, else none.
3. Nothing of this is ever taken from the evidence.

Source: design 4.6.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from xinlian.cli.files import read_bytes
from xinlian.protocol.errors import ConfigError

if TYPE_CHECKING:
    from xinlian.protocol.manifest import Deployment

MAX_MANIFEST_BYTES: Final = 1 << 16
DEFAULT_MANIFEST: Final = Path(".config") / "xinlian" / "deployment.json"
"""Below the home directory."""

DeploymentOption = Annotated[
    Path | None,
    typer.Option("--deployment", envvar="XINLIAN_DEPLOYMENT", show_envvar=True, help="Deployment manifest, the trust anchor."),
]
RpcOption = Annotated[
    list[str] | None,
    typer.Option("--rpc", help="RPC endpoint; repeatable, all must agree. Else XINLIAN_RPC_URLS or XINLIAN_RPC_URL."),
]


def find_deployment(given: Path | None) -> Deployment | None:
    """The manifest by rule 1.

    Raises:
        InputError: ``file-unreadable`` when a named file is not there; the codes of ``manifest.parse``.
    """
    from xinlian.protocol.manifest import parse as parse_manifest

    named = given if given is not None else _from_environment()
    default = Path.home() / DEFAULT_MANIFEST
    if named is None and not default.is_file():
        return None
    file = named if named is not None else default
    return parse_manifest(read_bytes(str(file), MAX_MANIFEST_BYTES))


def require_deployment(given: Path | None) -> Deployment:
    """The manifest by rule 1.

    Raises:
        ConfigError: ``deployment-missing``.
        InputError: as ``find_deployment``.
    """
    found = find_deployment(given)
    if found is None:
        raise ConfigError("deployment-missing", "name the deployment manifest: --deployment FILE", expected="--deployment FILE")
    return found


def find_rpc_urls(given: list[str] | None) -> tuple[str, ...]:
    """The RPC endpoints by rule 2; empty when there are none.

    Raises:
        ConfigError: ``setting-wrong`` when ``XINLIAN_RPC_URLS`` is not a list.
    """
    if given:
        return tuple(given)
    many = os.environ.get("XINLIAN_RPC_URLS", "").strip()
    if many:
        return _url_list(many)
    one = os.environ.get("XINLIAN_RPC_URL", "").strip()
    return (one,) if one else ()


def require_rpc_urls(given: list[str] | None) -> tuple[str, ...]:
    """The RPC endpoints by rule 2.

    Raises:
        ConfigError: ``rpc-missing``.
    """
    urls = find_rpc_urls(given)
    if not urls:
        raise ConfigError("rpc-missing", "name the chain's RPC endpoint: --rpc URL", expected="--rpc URL")
    return urls


def _url_list(text: str) -> tuple[str, ...]:
    try:
        urls = json.loads(text)
    except ValueError:
        urls = None
    if not isinstance(urls, list) or not all(isinstance(url, str) and url for url in urls):
        raise ConfigError("setting-wrong", 'XINLIAN_RPC_URLS is a JSON list such as ["http://127.0.0.1:8545"]')
    return tuple(urls)


def _from_environment() -> Path | None:
    named = os.environ.get("XINLIAN_DEPLOYMENT", "").strip()
    return Path(named) if named else None
