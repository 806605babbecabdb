"""Registration requests: what a department makes of its keys and hands to the authority so that it can be registered.

One JSON object ``{"format": "xinlian-registration/1", "uscc", "kind", "name", "endpoint", "jwks", "signers": [{"address",
"roles", "possession"}]}``. ``jwks`` is the key set with its possession proofs, ``possession`` an EIP-712 signature (0x hex).

Rules
1. Every key in it is proven: Ed25519 keys here, chain signers by the contract.
2. Nothing in it is secret.

Example: ``(await request_for(Applicant("1241…", 1, "测试市…中心", "https://…"), keys, chain_keys, deployment)).dumps()``
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from xinlian.chain.calls import NewSigner, Registration, unhex
from xinlian.chain.keys import ChainKey, Registry, prove_possession
from xinlian.node.identity import key_set_of
from xinlian.protocol.codes import check_uscc
from xinlian.protocol.errors import EvidenceError, InputError
from xinlian.protocol.jsontext import loads_strict
from xinlian.protocol.jwks import check_possession, parse_key_set
from xinlian.protocol.manifest import Deployment
from xinlian.protocol.members import Members, Where
from xinlian.protocol.types import Role
from xinlian.store.secrets import NodeKeys

FORMAT = "xinlian-registration/1"
KINDS = {"department": 1, "other-receiver": 2}
SIGNER_ROLES = {"anchor": Role.ANCHOR, "law": Role.LAW, "admin": Role.ADMIN}
"""Which of a node's chain keys signs for which role on the chain."""
_WHERE = Where("registration-form", "registration request")
_ANY = re.compile(r".{1,2000}", re.DOTALL)
_JWKS = re.compile(r".{1,65536}", re.DOTALL)
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}", re.ASCII)
_SIGNATURE = re.compile(r"0x[0-9a-f]{2,1024}", re.ASCII)
_ENDPOINT = re.compile(r"https?://[^\s]{1,500}", re.ASCII)
_MEMBERS = ("format", "uscc", "kind", "name", "endpoint", "jwks", "signers")


@dataclass(frozen=True, slots=True)
class Applicant:
    """Who wants to be registered; ``kind`` is one of the numbers of ``KINDS``, ``endpoint`` the node's URL for others."""

    uscc: str
    kind: int
    name: str
    endpoint: str


@dataclass(frozen=True, slots=True)
class RequestedSigner:
    """A chain signer with its roles bitmask and EIP-712 possession proof (0x hex)."""

    address: str
    roles: int
    possession: str


@dataclass(frozen=True, slots=True)
class RegistrationRequest:
    """A parsed request; ``kind`` is 1 for a department, 2 for another receiver."""

    uscc: str
    kind: int
    name: str
    endpoint: str
    jwks: str
    signers: tuple[RequestedSigner, ...]

    def dumps(self) -> bytes:
        """The request file."""
        kinds = {number: name for name, number in KINDS.items()}
        value: dict[str, Any] = {
            "format": FORMAT,
            "uscc": self.uscc,
            "kind": kinds[self.kind],
            "name": self.name,
            "endpoint": self.endpoint,
            "jwks": self.jwks,
            "signers": [{"address": s.address, "roles": s.roles, "possession": s.possession} for s in self.signers],
        }
        return orjson.dumps(value, option=orjson.OPT_INDENT_2) + b"\n"

    def for_chain(self) -> Registration:
        """The same as the contract takes it."""
        signers = tuple(NewSigner(one.address, one.roles, unhex(one.possession)) for one in self.signers)
        return Registration(self.uscc, self.kind, self.name, self.endpoint, self.jwks, signers)


async def request_for(
    applicant: Applicant, keys: NodeKeys, chain_keys: Mapping[str, ChainKey], deployment: Deployment
) -> RegistrationRequest:
    """The request of a department with these keys, each proven for this deployment and no other.

    Args:
        applicant: who.
        keys: the key files, of which the key set is made.
        chain_keys: by role (``node.chain_keys``).
        deployment: where.

    Raises:
        ChainError: those of a remote signer.
    """
    registry = Registry(deployment.chain_id, deployment.contracts["DepartmentRegistry"].address)
    proofs = [await prove_possession(chain_keys[name], registry, applicant.uscc, role) for name, role in SIGNER_ROLES.items()]
    return RegistrationRequest(
        uscc=applicant.uscc,
        kind=applicant.kind,
        name=applicant.name,
        endpoint=applicant.endpoint,
        jwks=key_set_of(applicant.uscc, keys).serialise().decode(),
        signers=tuple(RequestedSigner(one.signer, one.roles, "0x" + one.possession.hex()) for one in proofs),
    )


def parse_registration(data: bytes) -> RegistrationRequest:
    """Read a request and check the possession proofs of its signing keys.

    Raises:
        InputError: ``registration-form``, ``registration-proof``, ``key-set-form``, the codes of ``codes`` and ``jsontext``.
    """
    members = Members.of(loads_strict(data, max_bytes=1_000_000), _MEMBERS, _WHERE)
    members.text("format", re.compile(re.escape(FORMAT)))
    uscc = members.text("uscc", _ANY)
    check_uscc(uscc)
    jwks = members.text("jwks", _JWKS)
    try:
        check_possession(parse_key_set(jwks.encode()), uscc)
    except EvidenceError as error:
        raise InputError("registration-proof", f"the key set's possession proofs do not hold: {error.message}") from error
    return RegistrationRequest(
        uscc=uscc,
        kind=KINDS[members.text("kind", re.compile("|".join(KINDS)))],
        name=members.text("name", _ANY),
        endpoint=members.text("endpoint", _ENDPOINT),
        jwks=jwks,
        signers=tuple(_signer(value, place) for place, value in members.list("signers", 16, 1)),
    )


def _signer(value: object, where: Where) -> RequestedSigner:
    members = Members.of(value, ("address", "roles", "possession"), where)
    return RequestedSigner(
        members.text("address", _ADDRESS), members.integer("roles", 1, 7), members.text("possession", _SIGNATURE)
    )
