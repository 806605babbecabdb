"""Who and what a case is about: a tree over salted subjects whose root stands on chain, opened one subject at a time.

Rules
1. A subject is a kind and a code. Its disclosure is ``base64url(["<salt>","<kind>","<value>"])``, the form of RFC 9901, with
   22 characters of salt (128 bit): the root tells nothing to whoever guesses ID numbers.
2. Leaf = SHA-256(0x00 || disclosure as ASCII); the tree is that of RFC 9162. A tree of one subject has root = leaf.
3. Subjects keep their order. One more subject gives the tree over n + 1 leaves; its root is consistent with the old one
   (RFC 9162 2.1.4), and openings of the old tree must be built anew.
4. A salt is used once: the same subject in two cases has two leaves.
5. ``verify_opening`` proves membership for one root and size; which root is current, the chain says.

Codes: ``subject-form``, ``subject-opening-form``, ``subject-not-proven``, ``subjects-salt``. No message holds a value.

Example::

    tree = build([Subject(SubjectKind.PERSON, id_number)], [salt])
    subject = verify_opening(tree.openings[0], tree.root, tree.size)

Source: design 4.5, 5 (CaseLedger); RFC 9162 2.1; RFC 9901 4.2.1.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from xinlian.protocol import codes, merkle
from xinlian.protocol.b64 import b64u, unb64u
from xinlian.protocol.dataset.model import SubjectKind
from xinlian.protocol.errors import InputError, RefusedError
from xinlian.protocol.jsontext import dumps_canonical, loads_strict
from xinlian.protocol.members import Members, Where, as_list, as_text
from xinlian.protocol.suite import leaf_hash
from xinlian.protocol.types import Hash32

MAX_SUBJECTS: Final = 4096
"""Subjects of one case."""
MAX_PATH: Final = 12
"""Hashes of an opening's path: a tree of ``MAX_SUBJECTS`` leaves is this high."""
MAX_VALUE_CHARS: Final = 64
MAX_DISCLOSURE_CHARS: Final = 512
SALT_BYTES: Final = 16

_VALUE: Final = re.compile(r"[^\x00-\x1f\x7f\"\\]{1,64}")
_SALT: Final = re.compile(r"[A-Za-z0-9_-]{21}[AQgw]", re.ASCII)
_PLAIN: Final = re.compile(rb'\["([A-Za-z0-9_-]{21}[AQgw])","([a-z_]{1,64})","([ !#-\[\]-~]{1,64})"\]')
"""A disclosure of ASCII texts; in these none is escaped."""
_DISCLOSURE: Final = re.compile(r"[A-Za-z0-9_-]{1,512}", re.ASCII)
_HASH: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)

_OPENING: Final = Where("subject-opening-form", "opening")

_CODE_CHECKS: Final[Mapping[SubjectKind, Callable[[str], None]]] = MappingProxyType(
    {
        SubjectKind.PERSON: codes.check_id_number,
        SubjectKind.ORGANISATION: codes.check_uscc,
        SubjectKind.UNIT: codes.check_unit_code,
        SubjectKind.PROJECT: codes.check_project_code,
    }
)


@dataclass(frozen=True, slots=True)
class Subject:
    """A person or thing that a case is about.

    Args:
        kind: what the value is.
        value: ID number, USCC, real estate unit code or project code with its checks; contract and permit numbers have
            no common form: 1 to 64 characters without controls, quotes and backslashes.
    """

    kind: SubjectKind
    value: str

    def __post_init__(self) -> None:
        check = _CODE_CHECKS.get(self.kind)
        if check is not None:
            check(self.value)
        elif _VALUE.fullmatch(self.value) is None:
            raise InputError("subject-form", f"{self.kind.value}: expected 1 to {MAX_VALUE_CHARS} plain characters")


@dataclass(frozen=True, slots=True)
class Opening:
    """What proves that one subject is in a case.

    Args:
        disclosure: salted subject, base64url.
        index: its place among the case's subjects, from 0.
        size: how many subjects the tree has.
        path: sibling hashes from the leaf upwards, 32 bytes each.
    """

    disclosure: str
    index: int
    size: int
    path: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class SubjectsTree:
    """All subjects of a case.

    Args:
        root: the root on chain, 32 bytes.
        openings: one per subject, in order.
    """

    root: Hash32
    openings: tuple[Opening, ...]

    @property
    def size(self) -> int:
        """How many subjects the tree has."""
        return len(self.openings)


def subject_disclosure(subject: Subject, salt: bytes) -> str:
    """Return a subject's disclosure.

    Args:
        subject: kind and value.
        salt: 16 fresh random bytes.

    Raises:
        InputError: ``subjects-salt``.
    """
    if len(salt) != SALT_BYTES:
        raise InputError("subjects-salt", f"expected a salt of {SALT_BYTES} bytes")
    return b64u(dumps_canonical([b64u(salt), subject.kind.value, subject.value]))


def subject_leaf(disclosure: str) -> Hash32:
    """Return the leaf hash of a disclosure, 32 bytes."""
    return leaf_hash(disclosure.encode("ascii"))


def build(subjects: Sequence[Subject], salts: Sequence[bytes]) -> SubjectsTree:
    """Build a case's tree.

    Args:
        subjects: 1 to ``MAX_SUBJECTS``, in the case's order.
        salts: one per subject, 16 fresh random bytes each, all different.

    Raises:
        InputError: ``subject-form`` for a wrong number of subjects, ``subjects-salt``.
    """
    if not 1 <= len(subjects) <= MAX_SUBJECTS:
        raise InputError("subject-form", f"expected 1 to {MAX_SUBJECTS} subjects")
    if len(salts) != len(subjects) or len(set(salts)) != len(salts):
        raise InputError("subjects-salt", "expected one salt per subject, all different")
    return _tree([subject_disclosure(subject, salt) for subject, salt in zip(subjects, salts, strict=True)])


def add_subject(tree: SubjectsTree, subject: Subject, salt: bytes) -> SubjectsTree:
    """Return the tree with one more subject at the end; every opening is new.

    Raises:
        InputError: ``subject-form`` when the tree is full, ``subjects-salt`` when the salt was used in this tree.
    """
    if tree.size >= MAX_SUBJECTS:
        raise InputError("subject-form", f"expected at most {MAX_SUBJECTS} subjects")
    disclosures = [opening.disclosure for opening in tree.openings]
    if b64u(salt) in {_parse_disclosure(disclosure)[0] for disclosure in disclosures}:
        raise InputError("subjects-salt", "the salt was used in this case")
    return _tree([*disclosures, subject_disclosure(subject, salt)])


def from_disclosures(disclosures: Sequence[str]) -> SubjectsTree:
    """Return the tree of disclosures that the lead kept, in their order; at least one."""
    return _tree(disclosures)


def _tree(disclosures: Sequence[str]) -> SubjectsTree:
    tree = merkle.Tree([subject_leaf(disclosure) for disclosure in disclosures])
    openings = tuple(
        Opening(disclosure, index, len(disclosures), tree.path(index)) for index, disclosure in enumerate(disclosures)
    )
    return SubjectsTree(Hash32(tree.root), openings)


def consistency_proof(tree: SubjectsTree, old_size: int) -> tuple[Hash32, ...]:
    """Return the proof that ``tree`` begins with the subjects of the tree it had at ``old_size``.

    It is checked with ``merkle.verify_consistency`` against the two roots on chain.

    Source: RFC 9162 2.1.4.
    """
    return merkle.Tree([subject_leaf(opening.disclosure) for opening in tree.openings]).consistency(old_size)


def verify_opening(opening: Opening, root: bytes, size: int) -> Subject:
    """Return the subject that an opening proves to be in the case.

    Args:
        opening: as received.
        root: the case's subjects root on chain, 32 bytes.
        size: the case's number of subjects on chain.

    Raises:
        InputError: ``subject-form``, ``subject-opening-form`` or a code's own error.
        RefusedError: ``subject-not-proven`` with check ``subject-in-case``.
    """
    subject = read_subject(opening)
    leaf = subject_leaf(opening.disclosure)
    if opening.size != size or not merkle.verify_path(leaf, opening.index, size, opening.path, root):
        raise RefusedError(
            "subject-not-proven", "the subject's opening does not lead to the case's root", check="subject-in-case"
        )
    return subject


def read_subject(opening: Opening) -> Subject:
    """Return the subject an opening names, *not proven* to be in any case.

    Raises:
        InputError: ``subject-form``, ``subject-opening-form`` or a code's own error.
    """
    _, kind, value = _parse_disclosure(opening.disclosure)
    return Subject(_kind(kind), value)


def _kind(text: str) -> SubjectKind:
    try:
        return SubjectKind(text)
    except ValueError:
        raise InputError("subject-form", f"expected a kind of {', '.join(SubjectKind)}") from None


def _parse_disclosure(disclosure: str) -> tuple[str, str, str]:
    """Return salt, kind and value; only the one canonical spelling passes."""
    where = Where("subject-opening-form", "disclosure")
    as_text(disclosure, _DISCLOSURE, where)
    raw = unb64u(disclosure)
    plain = _PLAIN.fullmatch(raw)
    if plain is not None:
        return plain[1].decode(), plain[2].decode(), plain[3].decode()
    parts = as_list(loads_strict(raw, max_bytes=MAX_DISCLOSURE_CHARS, max_depth=2), 3, 3, where)
    salt, kind, value = (as_text(part, form, place) for (place, part), form in zip(parts, (_SALT, _VALUE, _VALUE), strict=True))
    if dumps_canonical([salt, kind, value]) != raw:
        raise where.error("compact JSON")
    return salt, kind, value


def opening_to_json(opening: Opening) -> dict[str, object]:
    """Return the JSON object of an opening; hashes as bare lowercase hex."""
    return {
        "disclosure": opening.disclosure,
        "index": opening.index,
        "size": opening.size,
        "path": [node.hex() for node in opening.path],
    }


def opening_from_json(value: object, where: Where | None = None) -> Opening:
    """Read an opening's shape; nothing is proven yet.

    Raises:
        InputError: ``subject-opening-form``, or the code of ``where``.
    """
    members = Members.of(value, ("disclosure", "index", "size", "path"), where or _OPENING)
    size = members.integer("size", 1, MAX_SUBJECTS)
    return Opening(
        members.text("disclosure", _DISCLOSURE),
        members.integer("index", 0, size - 1),
        size,
        tuple(bytes.fromhex(node) for node in members.texts("path", _HASH, MAX_PATH)),
    )
