"""``xinlian deploy``: the contracts onto any chain, and the deployment manifest that everybody trusts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from xinlian.cli.command import OFFLINE, Session, command, single
from xinlian.cli.output import table
from xinlian.cli.signing import KeysOption, PassphraseOption, authority_key, load_keys
from xinlian.cli.trust import RpcOption, require_rpc_urls

if TYPE_CHECKING:
    from xinlian.chain.deploy import DeployOptions
    from xinlian.chain.keys import LocalKey
    from xinlian.protocol.manifest import Deployment

app = single()


@command(app, "deploy", OFFLINE)
def deploy(
    session: Session,
    output: Annotated[
        Path, typer.Option("--output", "-o", envvar="XINLIAN_DEPLOYMENT", show_envvar=True, help="Manifest to write.")
    ],
    rpc: RpcOption = None,
    keys: KeysOption = None,
    passphrase_file: PassphraseOption = None,
    authority: Annotated[
        str | None, typer.Option("--authority", help="Address of the first authority; default: the key that deploys.")
    ] = None,
    confirmations: Annotated[int, typer.Option("--confirmations", min=0, help="Blocks on top until a block is final.")] = 0,
    timeout: Annotated[float, typer.Option("--timeout", min=1, help="Seconds to wait for each step.")] = 120.0,
) -> None:
    """Deploy the contracts with the authority's key. Run it again after a stop: it goes on where it was."""
    import asyncio

    from xinlian.chain.deploy import DeployOptions

    urls = require_rpc_urls(rpc)
    key = authority_key(load_keys(keys, passphrase_file))
    options = DeployOptions(
        manifest=output,
        authority=authority if authority is not None else key.address,
        confirmations=confirmations,
        timeout_s=timeout,
        on_step=session.output.progress,
    )
    made = asyncio.run(_deploy(urls[0], key, options))
    contracts = [(name, one.address, one.block_number, one.code_hash) for name, one in made.contracts.items()]
    document = {
        "manifest": str(output),
        "chain_id": made.chain_id,
        "genesis_hash": made.genesis_hash,
        "authority": options.authority,
        "contracts": {name: address for name, address, _, _ in contracts},
    }
    text = f"chain {made.chain_id}, genesis {made.genesis_hash}; manifest {output}\n\n"
    session.output.result(document, text + table(("contract", "address", "block", "code hash"), contracts))


async def _deploy(url: str, key: LocalKey, options: DeployOptions) -> Deployment:
    from xinlian.chain.deploy import deploy as deploy_contracts
    from xinlian.chain.rpc import Rpc

    async with Rpc(url) as rpc:
        return await deploy_contracts(rpc, key, options)
