"""``xinlian codes``: check national codes, without any node."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from xinlian.cli.command import OFFLINE, Session, command, group
from xinlian.protocol.codes import CHECKS

app = group("Check national codes.")


class Kind(StrEnum):
    """The codes that can be checked."""

    USCC = "uscc"
    ID = "id"
    UNIT = "unit"
    PROJECT = "project"
    CERTIFICATE = "certificate"


_KINDS = "uscc 统一社会信用代码, id 公民身份号码, unit 不动产单元代码, project 项目代码, certificate 电子证照标识."


@command(app, "check", OFFLINE)
def check(
    session: Session,
    kind: Annotated[Kind, typer.Argument(help=_KINDS)],
    value: Annotated[str, typer.Argument(help="The code in its canonical form.")],
) -> None:
    """Check the form and the check digit of a code; exit 0 or 2. The value is never printed."""
    CHECKS[kind.value](value)
    session.output.result({"kind": kind.value, "ok": True}, f"{kind.value}: form and check digit are right")
