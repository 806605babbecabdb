from __future__ import annotations

import pytest

from xinlian.cli.exit_codes import MEANINGS, Exit, exit_of_error, exit_of_problem
from xinlian.protocol.errors import (
    CATALOGUE,
    AuthError,
    ChainError,
    ConfigError,
    ConflictError,
    EvidenceError,
    InputError,
    NotFoundError,
    PeerError,
    RefusedError,
    StoreError,
    XinlianError,
)
from xinlian.protocol.report import Check, Outcome, Report
from xinlian.protocol.types import Status

FINAL = next(code for code, entry in CATALOGUE.items() if not entry.retryable)
RETRYABLE = next(code for code, entry in CATALOGUE.items() if entry.retryable)
PASSED = (Check("format", Outcome.PASSED, ""),)


@pytest.mark.parametrize(
    ("family", "expected"),
    [
        (InputError, Exit.USAGE),
        (ConfigError, Exit.USAGE),
        (AuthError, Exit.DENIED),
        (RefusedError, Exit.REFUSED),
        (NotFoundError, Exit.NOT_FOUND),
        (ConflictError, Exit.CONFLICT),
        (PeerError, Exit.UNREACHABLE),
        (ChainError, Exit.CHAIN),
        (StoreError, Exit.FAILED),
        (EvidenceError, Exit.FAILED),
    ],
)
def test_every_family_has_its_exit_code(family: type[XinlianError], expected: Exit) -> None:
    assert exit_of_error(family(FINAL, "x")) is expected


def test_the_table_knows_every_family() -> None:
    families = {InputError, ConfigError, AuthError, RefusedError, NotFoundError, ConflictError}
    families |= {PeerError, ChainError, StoreError, EvidenceError}
    assert set(XinlianError.__subclasses__()) == families


@pytest.mark.parametrize("family", [ChainError, StoreError, PeerError, ConfigError])
def test_what_may_be_retried_is_14(family: type[XinlianError]) -> None:
    assert exit_of_error(family(RETRYABLE, "x")) is Exit.UNREACHABLE


@pytest.mark.parametrize(
    ("status", "code", "retryable", "expected"),
    [
        (422, "rows-invalid", False, Exit.USAGE),
        (400, "json-broken", False, Exit.USAGE),
        (413, "too-large", False, Exit.USAGE),
        (401, "token-missing", False, Exit.DENIED),
        (403, "role-missing", False, Exit.DENIED),
        (403, "refused-fields", False, Exit.REFUSED),
        (403, "refused-view-fresh", True, Exit.REFUSED),
        (404, "record-unknown", False, Exit.NOT_FOUND),
        (409, "idempotency-mismatch", False, Exit.CONFLICT),
        (409, "tx-reverted", False, Exit.CHAIN),
        (503, "rpc-down", True, Exit.UNREACHABLE),
        (507, "disk-full", True, Exit.UNREACHABLE),
        (500, "internal", False, Exit.FAILED),
        (418, "unheard-of", False, Exit.FAILED),
    ],
)
def test_problems_of_the_api_map_by_code_then_status(status: int, code: str, *, retryable: bool, expected: Exit) -> None:
    assert exit_of_problem(status, code, retryable=retryable) is expected


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (Status.CURRENT, Exit.OK),
        (Status.SUPERSEDED, Exit.SUPERSEDED),
        (Status.REVOKED, Exit.REVOKED),
        (Status.ERASED, Exit.ERASED),
    ],
)
def test_3_to_7_are_the_numbers_of_the_verification_report(status: Status, expected: Exit) -> None:
    assert Report(PASSED, status=status).exit_code == expected
    assert Report((Check("anchored", Outcome.PENDING, ""),)).exit_code == Exit.PENDING
    assert Report((Check("anchored", Outcome.NOT_RUN, ""),)).exit_code == Exit.FAILED


def test_no_error_ends_with_a_code_of_verify() -> None:
    families = [family(code, "x") for family in XinlianError.__subclasses__() for code in (FINAL, RETRYABLE)]
    assert not {exit_of_error(error) for error in families} & set(range(3, 8))


def test_every_code_has_a_meaning() -> None:
    assert list(MEANINGS) == list(Exit)
