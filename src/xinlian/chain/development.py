"""A chain of one's own with the contracts on it: for tests, benches and single-machine trials, never for a real network.

The contracts are deployed by a key that is made for it and forgotten; the authority is somebody else's address.

Example::

    options = AnvilOptions(contracts_dir, mnemonic=words, extra=ZERO_FEES)
    async with deployed_chain(options, manifest, authority) as (anvil, deployment): ...
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from xinlian.chain.anvil import Anvil, AnvilOptions
from xinlian.chain.deploy import DeployOptions, deploy
from xinlian.chain.keys import LocalKey
from xinlian.chain.rpc import Rpc
from xinlian.protocol.manifest import Deployment


@asynccontextmanager
async def deployed_chain(options: AnvilOptions, manifest: Path, authority: str) -> AsyncIterator[tuple[Anvil, Deployment]]:
    """Start anvil, deploy, and stop it at the end.

    Args:
        options: of anvil; without fees, for the deploying key has no funds.
        manifest: file to write.
        authority: address of the first authority.
    """
    with Anvil(options) as anvil:
        async with Rpc(anvil.url) as rpc:
            made = await deploy(rpc, LocalKey.from_secret(os.urandom(32)), DeployOptions(manifest, authority))
        yield anvil, made
