"""The contracts on a bare anvil, driven with JSON-RPC and eth-account only: for tests that prove them from outside.

Nothing of ``xinlian`` takes part except Keccak-256, so that an error in our own chain code cannot hide one in a contract.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eth_abi.abi import encode
from eth_account import Account
from eth_account.messages import encode_typed_data
from eth_utils.address import to_checksum_address

from xinlian.protocol.keccak import keccak256
from xinlian.protocol.types import Uscc

ROOT = Path(__file__).resolve().parents[2]
ANVIL = ROOT / "contracts" / "node_modules" / "@foundry-rs" / "anvil-linux-amd64" / "bin" / "anvil"
ARTIFACTS = ROOT / "src" / "xinlian" / "chain" / "artifacts"
DEPARTMENT = Uscc("12411599MBTEST0012")
AUTHORITY, SIGNER = (Account.from_key(keccak256(name)) for name in (b"test authority", b"test signer"))
START_S = 1_780_000_000
REGISTER = "register(bytes18,uint8,string,string,string,(address,uint8,bytes)[])"
ANCHOR = "anchor((uint8,uint64,bytes32,uint32,uint8)[],(uint64,uint32,uint256)[],bytes32)"
POSSESSION = (("department", "bytes18"), ("signer", "address"), ("roles", "uint8"))
SET_STATUS = "setStatus(uint64,uint32[],uint256[],uint8,uint8)"


@dataclass(frozen=True)
class Chain:
    """An anvil with a registry, a ledger and one registered department, whose ``SIGNER`` has all roles."""

    url: str
    hardfork: str
    registry: str = ""
    ledger: str = ""

    def rpc(self, method: str, *params: object) -> Any:
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
        request = urllib.request.Request(self.url, body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=10) as response:
            answer = json.load(response)
        assert "error" not in answer, f"{method}: {answer['error']}"
        return answer["result"]

    def send(self, account: Any, data: str, to: str | None = None, gas: int = 12_000_000) -> dict[str, Any]:
        transaction = {
            "chainId": 31337, "gas": gas, "gasPrice": 0, "value": 0, "data": data,
            "nonce": int(self.rpc("eth_getTransactionCount", account.address, "latest"), 16), **({"to": to} if to else {}),
        }  # fmt: skip
        raw = account.sign_transaction(transaction).raw_transaction
        sent = self.rpc("eth_sendRawTransaction", "0x" + raw.hex())
        for _ in range(200):
            receipt: dict[str, Any] | None = self.rpc("eth_getTransactionReceipt", sent)
            if receipt is not None:
                assert receipt["status"] == "0x1", receipt
                return receipt
            time.sleep(0.02)
        raise AssertionError("not mined within 4 s")

    def deploy(self, name: str, argument: str) -> str:
        bytecode = json.loads((ARTIFACTS / f"{name}.json").read_text("utf-8"))["bytecode"]
        receipt = self.send(AUTHORITY, bytecode + encode(["address"], [argument]).hex())
        return to_checksum_address(receipt["contractAddress"])

    def call(self, contract: str, signature: str, values: Sequence[object]) -> bytes:
        data = calldata(signature, values)
        return bytes.fromhex(self.rpc("eth_call", {"to": contract, "data": data}, "latest")[2:])


def calldata(signature: str, values: Sequence[object]) -> str:
    """ABI-encode a call; the types are taken from the signature, whose tuples contain no tuples."""
    types, depth = [""], 0
    for character in signature[signature.index("(") + 1 : -1]:
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == "," and depth == 0:
            types.append("")
        else:
            types[-1] += character
    return "0x" + (keccak256(signature.encode())[:4] + encode(types, list(values))).hex()


@contextmanager
def anvil(hardfork: str) -> Iterator[Chain]:
    """An anvil of that hardfork on a free port, contracts deployed, the department registered, gas free of charge."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [os.fspath(ANVIL), "--port", str(port), "--hardfork", hardfork, "--silent", "--timestamp", str(START_S),
               "--gas-price", "0", "--block-base-fee-per-gas", "0"]  # fmt: skip
    process = subprocess.Popen(command)
    try:
        yield _deployed(_started(Chain(f"http://127.0.0.1:{port}", hardfork), process))
    finally:
        process.terminate()
        process.wait(10)


def _deployed(bare: Chain) -> Chain:
    registry = bare.deploy("DepartmentRegistry", AUTHORITY.address)
    chain = Chain(bare.url, bare.hardfork, registry, bare.deploy("RecordLedger", registry))
    signer = (SIGNER.address, 7, possession(registry))
    values = (DEPARTMENT.encode(), 1, "测试部门", "https://node.test", "{}", [signer])
    chain.send(AUTHORITY, calldata(REGISTER, values), registry)
    return chain


def _started(bare: Chain, process: subprocess.Popen[bytes]) -> Chain:
    for _ in range(200):
        assert process.poll() is None, "anvil ended"
        try:
            bare.rpc("eth_chainId")
        except OSError:
            time.sleep(0.05)
        else:
            return bare
    raise AssertionError("anvil did not answer within 10 s")


def possession(registry: str) -> bytes:
    """The proof as an independent EIP-712 implementation makes it."""
    message = encode_typed_data(
        {"name": "Xinlian DepartmentRegistry", "version": "1", "chainId": 31337, "verifyingContract": registry},
        {"Possession": [{"name": name, "type": kind} for name, kind in POSSESSION]},
        {"department": DEPARTMENT.encode(), "signer": SIGNER.address, "roles": 7},
    )
    return bytes(SIGNER.sign_message(message).signature)
