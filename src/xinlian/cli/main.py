"""The command ``xinlian``: groups of commands, each loaded when it is used.

Rules
1. Nothing of the node, the chain or the store is imported here; a group's module is imported when one of its commands runs
   or when its help is asked for.
2. The order of ``GROUPS`` is the order of ``--help``.

Example: ``xinlian verify evidence.json --deployment deployment.json --rpc http://127.0.0.1:8545``
"""

from __future__ import annotations

import importlib
import sys
from typing import Annotated, Any, Final

import typer
import typer.main

from xinlian.cli.command import QuickGroup
from xinlian.cli.output import use_utf8

GROUPS: Final[dict[str, str]] = {
    "verify": "Verify an evidence bundle against the chain; trusts no node.",
    "publish": "Publish rows from a file, or one row from standard input.",
    "record": "Records: show, revise, revoke, erase, erasure, receipt.",
    "attachment": "Files that belong to records: upload, list, download.",
    "bundle": "Evidence bundles.",
    "dataset": "Datasets: list, template, propose, check a file.",
    "inbox": "What waits for you.",
    "approval": "What one person proposed and another consents to.",
    "acts": "Who did which step to what.",
    "document": "Texts behind the law's steps: list, show, check, verify.",
    "correction": "Corrections 校核: dispute a value, answer, forward, see who was told.",
    "request": "Sharing requests: file, answer, deliver, suspend, change, end.",
    "grant": "Grants: list, show.",
    "case": "Cases: open, subjects, close.",
    "authorisation": "Authorisations of data subjects: record, list, show, withdraw, hand in a withdrawal.",
    "query": "Use another department's data in a case.",
    "self-access": "A person's own ledger: who used which of the person's items.",
    "reads": "Read entries, and their reconciliation with another department.",
    "notice": "Notices between departments' nodes, until they are acknowledged.",
    "use": "Use records and disposals: record, list, show, delete, dispose.",
    "finding": "Breaches of Decree 809 art. 39-41 that rules found, with their evidence.",
    "retention": "Retention duties of case files: record, list, end.",
    "parked": "Work that was tried in vain: list, replay.",
    "scenario": "Scenario folders: check, show, hash, try a decision.",
    "codes": "Check national codes.",
    "calendar": "Working days: when a term ends, and the calendar's upkeep.",
    "user": "Users of the node and their tokens.",
    "department": "Set up a department's node; departments on the chain.",
    "authority": "What the competent authority signs.",
    "webhook": "Tell the department's own systems what happens.",
    "chain": "The node's view of the chain.",
    "deploy": "Deploy the contracts and write the deployment manifest.",
    "node": "Run the node; maintenance while it is stopped.",
    "doctor": "Check settings, keys, databases and chain; say what to do.",
}
"""Every group or command by name, with its line in ``--help``; its module in ``cli.commands`` has ``_`` for ``-``."""


class LazyGroup(QuickGroup):
    """The root: knows its commands by name and imports the one that is used."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Every name, in the order of ``GROUPS``."""
        return list(GROUPS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Import and build one command, or None when there is none of this name."""
        if cmd_name not in GROUPS:
            return None
        if cmd_name not in self.commands:
            module = importlib.import_module(f"xinlian.cli.commands.{cmd_name.replace('-', '_')}")
            self.commands[cmd_name] = typer.main.get_command(module.app)
        return self.commands[cmd_name]

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """The list of ``--help``, without importing anything."""
        with formatter.section("Commands"):
            formatter.write_dl(list(GROUPS.items()))


def _show_version(asked: bool) -> None:
    if asked:
        from xinlian import __version__

        typer.echo(f"xinlian {__version__}")
        raise typer.Exit


app = typer.Typer(
    cls=LazyGroup, no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False, add_completion=False
)


@app.callback(
    help="Xinlian (信链): a department's node for sharing data under a chain's evidence.",
    epilog="Every command takes --json and --help. Exit codes and settings: docs/cli.md.",
)
def _root(
    version: Annotated[bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")] = False,
) -> None:
    """Take the options before the command."""


def main() -> None:
    """Entry point of the console script."""
    use_utf8(sys.stdin, sys.stdout, sys.stderr)
    app(prog_name="xinlian")
