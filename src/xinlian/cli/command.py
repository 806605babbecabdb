"""How a command is declared: the options all commands share, and how errors end it.

Rules
1. A command is a function of ``(session, arguments…)``; what it needs is declared once: ``ONLINE`` adds ``--url``,
   ``--token-file`` and ``--timeout``, ``CREATING`` (for a creating call of the API) those and ``--idempotency-key``, ``SIGNING``
   (a transaction of one's own key) ``--deployment``, ``--rpc``, ``--keys`` and ``--passphrase-file``, ``OFFLINE`` nothing; every
   command has ``--json``.
2. A command raises; this module prints the error and ends with its exit code.
3. Commands import the node, the chain and the store in their bodies, so that ``--help`` stays quick.

Example::

    app = group("cases")

    @command(app, "list", ONLINE)
    def list_cases(session: Session) -> None: ...
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from typer.core import TyperGroup

from xinlian.cli.client import DEFAULT_URL, Client, RemoteError
from xinlian.cli.exit_codes import Exit
from xinlian.cli.output import Output, Problem
from xinlian.cli.signing import KeysOption, PassphraseOption, Signing
from xinlian.cli.trust import DeploymentOption, RpcOption
from xinlian.protocol.errors import InputError, XinlianError

Function = TypeVar("Function", bound=Callable[..., Any])


class Needs(Enum):
    """What a command talks to."""

    ONLINE = "the node's API"
    CREATING = "the node's API, to create something once"
    SIGNING = "the chain, with a key of one's own"
    OFFLINE = "no node"


ONLINE = Needs.ONLINE
CREATING = Needs.CREATING
SIGNING = Needs.SIGNING
OFFLINE = Needs.OFFLINE

_JSON = Annotated[bool, typer.Option("--json", help="One JSON document on stdout instead of text.")]
_URL = Annotated[str, typer.Option("--url", envvar="XINLIAN_URL", show_envvar=True, help="The node's address.")]
_TOKEN_FILE = Annotated[
    Path | None,
    typer.Option(
        "--token-file",
        envvar="XINLIAN_TOKEN_FILE",
        show_envvar=True,
        help="File that holds the token; else XINLIAN_TOKEN. A token is never an argument.",
    ),
]
_TIMEOUT = Annotated[float, typer.Option("--timeout", min=0.1, help="Seconds to wait for the node's answer.")]
_KEY = Annotated[
    str | None,
    typer.Option(
        "--idempotency-key",
        "--key",
        help="The same key and request do it once and show the first answer again; default: a fresh one.",
    ),
]


@dataclass(frozen=True, slots=True)
class Session:
    """What a command works with.

    Args:
        output: where it prints.
        url, token_file, timeout_s: of online commands.
        key: of creating ones, None for a fresh one.
        signing: of signing commands.
    """

    output: Output
    url: str = DEFAULT_URL
    token_file: Path | None = None
    timeout_s: float = 120.0
    key: str | None = None
    signing: Signing = field(default_factory=Signing)

    @property
    def client(self) -> Client:
        """The client of the node's API; the token is read now.

        Raises:
            ConfigError: ``token-file`` or ``url-form``.
            InputError: ``argument-form`` when the key is not of its form.
        """
        if self.key is not None and not (self.key.strip() and self.key.isascii() and self.key.isprintable()):
            raise InputError("argument-form", "--idempotency-key takes printable ASCII characters", expected="ASCII text")
        client = Client.create(self.url, self.token_file, os.environ.get("XINLIAN_TOKEN"), self.timeout_s)
        client = replace(client, key=self.key)
        if client.sends_token_in_clear:
            self.output.progress(f"warning: the token goes to {client.host} over plain HTTP")
        return client


class QuickGroup(TyperGroup):
    """A group whose ``--help`` does not load typer's value adapters (pydantic, a tenth of a second)."""

    def get_help_option(self, ctx: Any) -> Any:
        """The ``--help`` flag with a default that needs no conversion."""
        option = super().get_help_option(ctx)
        if option is not None and option.default is None:
            option.default = False
        return option


def group(text: str) -> typer.Typer:
    """An app that is a group of commands, even of one."""
    app = typer.Typer(cls=QuickGroup, help=text, no_args_is_help=True, rich_markup_mode=None, add_completion=False)
    app.callback()(lambda: None)
    app.info.help = text
    return app


def single() -> typer.Typer:
    """An app that is one command."""
    return typer.Typer(rich_markup_mode=None, add_completion=False)


def command(app: typer.Typer, name: str, needs: Needs) -> Callable[[Function], Function]:
    """Declare a command of an app."""

    def declare(function: Function) -> Function:
        app.command(name)(_runner(function, needs))
        return function

    return declare


def _runner(function: Callable[..., Any], needs: Needs) -> Callable[..., None]:
    """The function with the shared options, ending with the right exit code."""

    def run(**values: Any) -> None:
        session = _session(values)
        try:
            function(session, **values)
        except XinlianError as error:
            _end(session.output, Problem.of(error))
        except RemoteError as error:
            _end(session.output, error.problem)

    own = list(inspect.signature(function, eval_str=True).parameters.values())[1:]
    parameters = own + [parameter for parameter in _shared(needs) if parameter.name not in {p.name for p in own}]
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # what typer reads
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    run.__doc__ = _help(function)
    run.__name__ = function.__name__
    return run


def _shared(needs: Needs) -> list[inspect.Parameter]:
    shared: list[tuple[str, Any, object]] = [("json_", _JSON, False)]
    if needs is SIGNING:
        notes = ("deployment", DeploymentOption), ("rpc", RpcOption), ("keys", KeysOption), ("passphrase_file", PassphraseOption)
        shared += [(f"{name}_", note, None) for name, note in notes]
    elif needs is not OFFLINE:
        shared += [("url_", _URL, DEFAULT_URL), ("token_file_", _TOKEN_FILE, None), ("timeout_", _TIMEOUT, 120.0)]
    if needs is CREATING:
        shared.append(("key_", _KEY, None))
    kind = inspect.Parameter.KEYWORD_ONLY
    return [inspect.Parameter(name, kind, default=default, annotation=note) for name, note, default in shared]


def _session(values: dict[str, Any]) -> Session:
    output = Output(values.pop("json_"))
    if "passphrase_file_" in values:
        names = ("deployment", "rpc", "keys", "passphrase_file")
        return Session(output, signing=Signing(**{name: values.pop(f"{name}_") for name in names}))
    if "url_" not in values:
        return Session(output)
    online = values.pop("url_"), values.pop("token_file_"), values.pop("timeout_")
    return Session(output, *online, values.pop("key_", None))


def _help(function: Callable[..., Any]) -> str:
    """The docstring up to its Args section: the rest is for readers of the code."""
    text = inspect.cleandoc(function.__doc__ or "")
    for section in ("\nArgs:", "\nReturns:", "\nRaises:", "\nSource:"):
        text = text.partition(section)[0]
    return text.strip()


def _end(output: Output, problem: Problem) -> None:
    output.problem(problem)
    raise typer.Exit(problem.exit_code)


def end_with(code: int) -> None:
    """End the command with an exit code other than 0, after its result was printed."""
    if code != Exit.OK:
        raise typer.Exit(code)
