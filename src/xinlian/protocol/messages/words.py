"""Words that requests, answers, read entries and answer statements share: bounds, forms, checks, outcomes, references."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from xinlian.protocol.dataset.model import Mode
from xinlian.protocol.envelope import USCC_FORM
from xinlian.protocol.errors import RefusedError
from xinlian.protocol.members import Members
from xinlian.protocol.types import Uscc

VERSION: Final = 1
MAX_ITEMS: Final = 100
MAX_SUBJECTS_PER_ITEM: Final = 8
MAX_FIELDS: Final = 256
MAX_VALUE_CHARS: Final = 4096
MAX_DEPTH: Final = 12

FIELD_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,63}(?:\.[1-9][0-9]{0,2}\.[a-z][a-z0-9_]{0,63})?", re.ASCII)
NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,63}", re.ASCII)
CODE_TEXT: Final = re.compile(r"[A-Z0-9_-]{1,32}", re.ASCII)
VCT: Final = re.compile(r"[0-9A-HJ-NP-RTUW-Y]{18}/[0-9]{6}@[1-9][0-9]{0,4}", re.ASCII)
HEX32: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)


class ProviderCheck(StrEnum):
    """What a provider checks, in this order; a refusal names the first that fails.

    Its code is ``refused-<check>``; those about an authorisation are codes as they are, the same for a contract's rejection.
    """

    SIGNATURE = "signature"
    KEY_REGISTERED = "key-registered"
    ADDRESSEE = "addressee"
    EXPIRED = "expired"
    REPLAY = "replay"
    RATE = "rate"
    DEPARTMENT_ACTIVE = "department-active"
    VIEW_FRESH = "view-fresh"
    PAYLOAD_GUARD = "payload-guard"
    GRANT_EXISTS = "grant-exists"
    GRANT_RUNNING = "grant-running"
    DATASET = "dataset"
    MODE = "mode"
    FIELDS = "fields"
    PURPOSE = "purpose"
    SCENARIO = "scenario"
    CASE_OPEN = "case-open"
    CASE_PARTICIPANT = "case-participant"
    SUBJECT_IN_CASE = "subject-in-case"
    AUTHORISATION_MISSING = "authorisation-missing"
    AUTHORISATION_FORGED = "authorisation-forged"
    AUTHORISATION_WITHDRAWN = "authorisation-withdrawn"
    AUTHORISATION_EXPIRED = "authorisation-expired"
    AUTHORISATION_REUSED = "authorisation-reused"
    AUTHORISATION_SCOPE = "authorisation-scope"
    USES_LEFT = "uses-left"
    VERIFY_ATTEMPTS = "verify-attempts"
    FILE = "file"
    AUTHORITY = "authority"
    LOGIN = "login"

    @property
    def code(self) -> str:
        """The error code of this refusal."""
        return self.value if self.value.startswith("authorisation-") else f"refused-{self.value}"


def refusal(check: ProviderCheck, message: str, **fields: object) -> RefusedError:
    """Return the error of a failed provider check; ``fields`` hold no personal data."""
    return RefusedError(check.code, message, check=check.value, **fields)


class Outcome(StrEnum):
    """How one item of a request came out."""

    RECORDS = "records"
    MATCH = "match"
    MISMATCH = "mismatch"
    NONE = "none"
    ANSWER = "answer"
    REFUSED = "refused"


OUTCOMES: Final[Mapping[Mode, frozenset[Outcome]]] = MappingProxyType(
    {
        Mode.QUERY: frozenset({Outcome.RECORDS, Outcome.NONE, Outcome.REFUSED}),
        Mode.VERIFY: frozenset({Outcome.MATCH, Outcome.MISMATCH, Outcome.NONE, Outcome.REFUSED}),
        Mode.ANSWER: frozenset({Outcome.ANSWER, Outcome.REFUSED}),
    }
)
"""Which outcomes a mode can have."""


@dataclass(frozen=True, slots=True)
class GrantRef:
    """A grant on chain: its provider and the provider's number for it, from 1."""

    provider: Uscc
    number: int


@dataclass(frozen=True, slots=True)
class CaseRef:
    """A case on chain: its lead department and the lead's case number."""

    lead: Uscc
    case_no: str


def grant_from_json(members: Members) -> GrantRef:
    """Read the member ``grant``."""
    grant = Members.of(members.values["grant"], ("provider", "number"), members.where.at("grant"))
    return GrantRef(Uscc(grant.text("provider", USCC_FORM)), grant.integer("number", 1))


def case_from_json(members: Members) -> CaseRef | None:
    """Read the member ``case``, an object or ``null``."""
    if members.values["case"] is None:
        return None
    case = Members.of(members.values["case"], ("lead", "no"), members.where.at("case"))
    return CaseRef(Uscc(case.text("lead", USCC_FORM)), case.text("no", CODE_TEXT))
