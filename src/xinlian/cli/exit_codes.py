"""The one table of exit codes, and the one place that maps errors to them.

Rules
1. 3 to 7 belong to ``xinlian verify`` and never mean anything else; families of errors start at 10.
2. Every code is documented in docs/cli.md (a test compares).
3. 14 is the only code after which the same command may succeed without a change; a script may retry on it.

Example: ``exit_of_error(error)`` of a ``NotFoundError`` is ``Exit.NOT_FOUND`` (12).

Source: design 4.6 for 0 to 7.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from xinlian.protocol.errors import (
    AuthError,
    ChainError,
    ConfigError,
    ConflictError,
    InputError,
    NotFoundError,
    PeerError,
    RefusedError,
    XinlianError,
)


class Exit(IntEnum):
    """What a command ends with."""

    OK = 0
    FAILED = 1
    USAGE = 2
    REMARK = 3
    SUPERSEDED = 4
    REVOKED = 5
    ERASED = 6
    PENDING = 7
    DENIED = 10
    REFUSED = 11
    NOT_FOUND = 12
    CONFLICT = 13
    UNREACHABLE = 14
    CHAIN = 15
    INTERRUPTED = 130


MEANINGS: Final[dict[Exit, str]] = {
    Exit.OK: "done; `verify`: authentic and current as of then",
    Exit.FAILED: "failed; `verify`: altered, or a check failed or was not run; `doctor`, `reads reconcile`: something is wrong",
    Exit.USAGE: "wrong command line, file, row or setting; nothing was changed",
    Exit.REMARK: "`verify` only: authentic, with a remark",
    Exit.SUPERSEDED: "`verify` only: superseded by a newer revision",
    Exit.REVOKED: "`verify` only: revoked",
    Exit.ERASED: "`verify` only: erased",
    Exit.PENDING: "`verify` only: signed, not anchored yet",
    Exit.DENIED: "the token is missing, unknown or expired, or its user lacks the role",
    Exit.REFUSED: "another department's node refuses; the check is named",
    Exit.NOT_FOUND: "the named thing does not exist",
    Exit.CONFLICT: "it exists already, or its state does not allow this",
    Exit.UNREACHABLE: "chain, node or disk is not there now; the same command may succeed later",
    Exit.CHAIN: "the chain rejected the transaction, or it is another chain",
    Exit.INTERRUPTED: "interrupted by Ctrl-C",
}
"""Every exit code with its meaning, as docs/cli.md prints it."""

_BY_FAMILY: Final[dict[type[XinlianError], Exit]] = {
    InputError: Exit.USAGE,
    ConfigError: Exit.USAGE,
    AuthError: Exit.DENIED,
    RefusedError: Exit.REFUSED,
    NotFoundError: Exit.NOT_FOUND,
    ConflictError: Exit.CONFLICT,
    PeerError: Exit.UNREACHABLE,
    ChainError: Exit.CHAIN,
}
_BY_STATUS: Final[dict[int, Exit]] = {
    400: Exit.USAGE,
    401: Exit.DENIED,
    403: Exit.DENIED,
    404: Exit.NOT_FOUND,
    409: Exit.CONFLICT,
    413: Exit.USAGE,
    415: Exit.USAGE,
    422: Exit.USAGE,
    429: Exit.UNREACHABLE,
    502: Exit.UNREACHABLE,
    503: Exit.UNREACHABLE,
    504: Exit.UNREACHABLE,
    507: Exit.UNREACHABLE,
}
_REJECTED_BY_CHAIN: Final = frozenset(
    {"tx-reverted", "chain-wrong", "chain-replaced", "code-missing", "rpc-disagree", "events-differ"}
)


def exit_of_error(error: XinlianError) -> Exit:
    """The exit code of an error raised in this process: what may be retried is 14, else its family's."""
    if error.retryable:
        return Exit.UNREACHABLE
    return next((code for family, code in _BY_FAMILY.items() if isinstance(error, family)), Exit.FAILED)


def exit_of_problem(status: int, code: str, *, retryable: bool) -> Exit:
    """The exit code of a problem document that the node's API answered.

    Args:
        status: HTTP status.
        code: the problem's stable code.
        retryable: its member of this name.
    """
    if code.startswith("refused-"):
        return Exit.REFUSED
    if code in _REJECTED_BY_CHAIN:
        return Exit.CHAIN
    if retryable:
        return Exit.UNREACHABLE
    return _BY_STATUS.get(status, Exit.FAILED)
