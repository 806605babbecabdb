"""``xinlian verify``: one file, one command, a plain verdict; trusts nothing inside the file and no node.

Exit codes are the report's: 0 authentic and current as of then, 1 altered or a check failed or not run, 2 usage, 3 remark,
4 superseded, 5 revoked, 6 erased, 7 pending. A file that cannot be opened is usage; a file that is no bundle is a failed
check ``format`` (1). Files given with ``--attachment`` are checked against the disclosed values; what none names fails (1).

Source: design 4.6.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from xinlian.cli.command import OFFLINE, Session, command, end_with, single
from xinlian.cli.files import file_digest, read_bytes
from xinlian.cli.output import table
from xinlian.cli.trust import DeploymentOption, RpcOption, find_deployment, find_rpc_urls

if TYPE_CHECKING:
    from xinlian.protocol.report import Report

app = single()
MAX_BUNDLE_BYTES = 8_000_000
MARKS = {"passed": "ok", "failed": "FAILED", "not-run": "NOT RUN", "pending": "pending"}


@command(app, "verify", OFFLINE)
def verify(
    session: Session,
    file: Annotated[str, typer.Argument(help="Evidence bundle; - for standard input.")],
    deployment: DeploymentOption = None,
    rpc: RpcOption = None,
    as_of: Annotated[
        str | None, typer.Option("--as-of", metavar="TIME|BLOCK", help="RFC 3339 time with offset, or block; default: now.")
    ] = None,
    attachment: Annotated[
        list[str] | None,
        typer.Option(
            "--attachment", metavar="FILE", help="Also check that this file is one that a disclosed value names; repeatable."
        ),
    ] = None,
    values: Annotated[bool, typer.Option("--values/--no-values", help="Show the disclosed values.")] = True,
) -> None:
    """Verify an evidence bundle against the chain; trusts no node and nothing inside the file."""
    from xinlian.protocol.verification import parse_as_of, verify_bytes
    from xinlian.protocol.verification_files import GivenFile, with_files

    moment = None if as_of is None else parse_as_of(as_of)
    data = read_bytes(file, MAX_BUNDLE_BYTES)
    digests = [(name, *file_digest(name)) for name in attachment or ()]
    files = [GivenFile(name, digest.hex(), size) for name, digest, size in digests]
    trusted = find_deployment(deployment)
    urls = find_rpc_urls(rpc)
    if trusted is None or not urls:
        report = verify_bytes(data, trusted, None, moment)
    else:
        from xinlian.chain.view import RpcView

        with RpcView.over(urls, trusted) as view:
            report = verify_bytes(data, trusted, view, moment)
    report = with_files(report, files)
    session.output.result(_document(report, with_values=values), lambda: _text(report, with_values=values))
    end_with(report.exit_code)


def _document(report: Report, *, with_values: bool) -> dict[str, object]:
    document = report.to_json()
    return document if with_values else {**document, "values": {}, "attachments": []}


def _text(report: Report, *, with_values: bool) -> str:
    from xinlian.protocol.jsontext import value_text

    parts = [
        report.verdict,
        "",
        table(("check", "outcome", "detail"), [(c.name, MARKS[c.outcome], c.detail) for c in report.checks]),
    ]
    parts += [f"remark {remark.code}: {remark.text}" for remark in report.remarks]
    parts += [f"note: {note}" for note in report.notes]
    if with_values and report.values:
        shown = [(name, value_text(value)) for name, value in report.values.items()]
        parts += ["", table(("field", "value"), shown)]
        files = [(name, v.name, v.media_type, str(v.bytes), v.sha256) for name, v in report.attachments]
        parts += ["", table(("attachment", "name", "media type", "bytes", "sha256"), files)] if files else []
    return "\n".join(parts)
