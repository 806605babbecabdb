"""anvil, the chain of the demo, the tests and single-machine trials: find it, start it, stop it with its state kept.

Rules
1. anvil of the pinned version: from PATH if its version fits contracts/package.json, else the npm platform package.
2. Stopping is SIGTERM, which makes anvil write its state; killing loses what came since the last interval.
3. After a restart the chain's time is set to the last block's before anything is sent (design 6), so law time goes on
   where it stopped and never jumps to the wall clock.
4. Accounts and mnemonic come from the caller; there is no default secret here.

Example::

    with Anvil(AnvilOptions(contracts_dir, mnemonic=words, genesis_time=1_789_920_000, state_file=path)) as anvil:
        Rpc(anvil.url)
"""

from __future__ import annotations

import json
import platform
import re
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from xinlian.chain import questions
from xinlian.chain.rpc import BlockingRpc
from xinlian.protocol.errors import ChainError, ConfigError

CHAIN_ID = 31337
ZERO_FEES = ("--gas-price", "0", "--block-base-fee-per-gas", "0", "--disable-min-priority-fee")
"""Arguments of a chain on which no account needs funds."""
_MACHINES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
_START_S = 20.0
_STOP_S = 30.0


@dataclass(frozen=True, slots=True)
class AnvilOptions:
    """How to start anvil.

    Args:
        contracts_dir: folder with package.json and node_modules.
        mnemonic: BIP-39 words of the funded accounts.
        accounts: how many of them.
        genesis_time: epoch seconds of block 0; only used for a new chain.
        port: None takes a free one.
        state_file: where the chain is kept; None keeps nothing.
        block_time_s: None mines a block for every transaction.
        extra: further anvil arguments.
    """

    contracts_dir: Path
    mnemonic: str = field(repr=False)
    accounts: int = 10
    genesis_time: int | None = None
    port: int | None = None
    state_file: Path | None = None
    block_time_s: int | None = None
    extra: tuple[str, ...] = ()


def pinned_version(contracts_dir: Path) -> str:
    """The version contracts/package.json pins.

    Raises:
        ConfigError: anvil-missing when the file is not there or pins none.
    """
    try:
        package = json.loads((contracts_dir / "package.json").read_text(encoding="utf-8"))
        pins = {**package.get("dependencies", {}), **package.get("optionalDependencies", {})}
        return str(next(version for name, version in pins.items() if name.startswith("@foundry-rs/anvil")))
    except (OSError, ValueError, StopIteration) as error:
        raise ConfigError("anvil-missing", "contracts/package.json, which pins anvil's version, cannot be read") from error


def find_binary(contracts_dir: Path) -> Path:
    """The anvil to run.

    Raises:
        ConfigError: anvil-missing, saying what to run.
    """
    version = pinned_version(contracts_dir)
    on_path = shutil.which("anvil")
    if on_path is not None and _version_of(Path(on_path)) == version:
        return Path(on_path)
    machine = _MACHINES.get(platform.machine().lower(), platform.machine().lower())
    package = f"anvil-{platform.system().lower()}-{machine}"
    packaged = contracts_dir / "node_modules" / "@foundry-rs" / package / "bin" / "anvil"
    if packaged.exists():
        return packaged
    raise ConfigError("anvil-missing", f"anvil {version} is not installed: run scripts/setup, or put it on PATH", version=version)


def _version_of(binary: Path) -> str | None:
    try:
        shown = subprocess.run([binary, "--version"], capture_output=True, text=True, timeout=10, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.search(r"(\d+\.\d+\.\d+)", shown)
    return None if match is None else match[1]


def free_port() -> int:
    """A TCP port on the loopback interface that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Anvil:
    """One anvil process; may be stopped and started again on the same port.

    Args:
        options: see ``AnvilOptions``.
    """

    def __init__(self, options: AnvilOptions) -> None:
        self._options = options
        self._binary = find_binary(options.contracts_dir)
        self.port = options.port if options.port is not None else free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Its RPC URL."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def is_running(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.poll() is None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def start(self) -> None:
        """Start and wait until it answers; after a restart the clock is set to the last block's time.

        Raises:
            ConfigError: anvil-failed.
        """
        if self.is_running:
            return
        restarted = self._options.state_file is not None and self._options.state_file.exists()
        self._process = subprocess.Popen(  # the process outlives this call; stop() ends it
            self._command(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        self._wait_ready()
        if restarted:
            self._resume_time()

    def stop(self) -> None:
        """Stop with SIGTERM, so that the state is written; harmless when it is not running.

        Raises:
            ConfigError: anvil-failed when it does not end in time (it is killed then).
        """
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(_STOP_S)
        except subprocess.TimeoutExpired as error:
            process.kill()
            process.wait()
            raise ConfigError("anvil-failed", f"anvil did not stop within {_STOP_S:.0f} s and was killed") from error
        finally:
            if process.stderr is not None:
                process.stderr.close()

    def kill(self) -> None:
        """End it as a power cut would: nothing is written (for fault tests)."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            if process.stderr is not None:
                process.stderr.close()

    def _command(self) -> list[str]:
        options = self._options
        command = [str(self._binary), "--quiet", "--host", "127.0.0.1", "--port", str(self.port), "--chain-id", str(CHAIN_ID)]
        command += ["--accounts", str(options.accounts), "--mnemonic", options.mnemonic]
        if options.genesis_time is not None:
            command += ["--timestamp", str(options.genesis_time)]
        if options.block_time_s is not None:
            command += ["--block-time", str(options.block_time_s)]
        if options.state_file is not None:
            command += ["--state", str(options.state_file), "--preserve-historical-states"]
        return [*command, *options.extra]

    def _wait_ready(self) -> None:
        rpc = BlockingRpc(self.url, timeout_s=2.0, attempts=1)
        deadline = time.monotonic() + _START_S
        try:
            while time.monotonic() < deadline:
                if not self.is_running:
                    raise ConfigError("anvil-failed", f"anvil ended at its start: {self._last_words()}")
                try:
                    rpc.ask(questions.head())
                    return
                except ChainError:
                    time.sleep(0.02)
        finally:
            rpc.close()
        self.kill()
        raise ConfigError("anvil-failed", f"anvil did not answer within {_START_S:.0f} s")

    def _last_words(self) -> str:
        if self._process is None or self._process.stderr is None:
            return "no message"
        return self._process.stderr.read().decode(errors="replace").strip()[-300:]

    def _resume_time(self) -> None:
        rpc = BlockingRpc(self.url)
        try:
            head = rpc.ask(questions.head())
            rpc.ask(questions.raw("anvil_setTime", head.time))
        finally:
            rpc.close()
