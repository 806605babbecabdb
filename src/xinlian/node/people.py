"""The people of a department: users with person id, name, post, roles and expiry, and their tokens.

Rules
1. A token is 256 random bits, shown once; the store holds its SHA-256.
2. Whoever is expired or disabled is nobody; the answer does not say which.
3. A person id is a staff number, never an ID number.
4. A token is not kept with the answer to an idempotent call either: a repeat of the call is told that it was issued.

Example: ``person, token = await people.add(NewUser("P001", "测试经办", "经办", {Role.PUBLISHER}, expires_at=…))``
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from xinlian.node.idempotency import current_journal
from xinlian.node.paging import Page, Window, first_of
from xinlian.protocol.errors import ConflictError, InputError
from xinlian.store import people as table
from xinlian.store.writer import Reader, Transaction, Writer

TOKEN_PREFIX = "xl_"  # noqa: S105 (a mark by which leaked tokens are found, not a secret)
_CACHE_S = 5.0
_CACHE_SIZE = 10_000


class Role(StrEnum):
    """What a user may do on this node."""

    OPERATOR = "operator"
    PUBLISHER = "publisher"
    SHARING = "sharing"
    CASEWORKER = "caseworker"
    AUDITOR = "auditor"
    AUTHORITY = "authority"
    HEAD = "head"
    """负责人 of the department's data-sharing office: consents to what another person proposed."""


@dataclass(frozen=True, slots=True)
class Person:
    """A user as seen by use cases; every log entry names ``person_id``."""

    id: int
    person_id: str
    name: str
    post: str
    roles: frozenset[Role]
    expires_at: int
    disabled_at: int | None = None


@dataclass(frozen=True, slots=True)
class NewUser:
    """A user to be added; ``expires_at`` is epoch seconds, wall clock."""

    person_id: str
    name: str
    post: str
    roles: frozenset[Role]
    expires_at: int


class People:
    """Users and tokens of this node.

    Args:
        writer: node.db.
        now: wall clock, epoch seconds.
        token_days: longest life of a token.
    """

    def __init__(self, writer: Writer, now: Callable[[], float], token_days: int) -> None:
        self._writer = writer
        self._now = now
        self._token_days = token_days
        self._cache: dict[bytes, tuple[float, Person]] = {}

    def person_of_token(self, token: str) -> Person:
        """Who a token names.

        Raises:
            AuthError: ``token-unknown``, also when the token or its user expired or was disabled (which is not told).
        """
        now = self._now()
        digest = table.token_hash(token)
        cached = self._cache.get(digest)
        if cached is None or now - cached[0] > _CACHE_S:
            with self._writer.read() as reader:
                cached = now, _person(table.user_of_token(reader, token, int(now)))
            if len(self._cache) > _CACHE_SIZE:
                self._cache.clear()
            self._cache[digest] = cached
        return cached[1]

    async def add(self, user: NewUser) -> Person:
        """Add a user.

        Raises:
            InputError: ``user-form`` when a field is empty, no role is given or the expiry lies in the past.
            ConflictError: ``user-exists``.
        """
        if not (user.person_id.strip() and user.name.strip() and user.post.strip() and user.roles):
            raise InputError("user-form", "a user needs person_id, name, post and at least one role")
        if user.expires_at <= self._now():
            raise InputError("user-form", "expires lies in the past", field="expires")
        row = table.User(
            0,
            user.person_id,
            user.name,
            user.post,
            tuple(sorted(user.roles)),
            user.expires_at,
            created_at=int(self._now()),
            disabled_at=None,
        )
        journal = current_journal()
        earlier = journal.noted("user")
        if earlier is not None:
            return self.get(earlier)

        def job(tx: Transaction) -> table.User:
            stored = table.insert(tx, row)
            journal.note(tx, "user", stored.id)
            return stored

        return _person(await self._writer.write(job))

    async def issue_token(self, user_id: int, days: int, label: str = "") -> str:
        """Make a token; the only time it can be seen.

        Raises:
            NotFoundError: ``user-unknown``.
            InputError: ``user-form`` when ``days`` is outside 1 … token_days.
            ConflictError: ``token-already-issued`` when this call was carried out before.
        """
        if not 1 <= days <= self._token_days:
            raise InputError("user-form", f"days must lie in 1…{self._token_days}", field="days")
        self.get(user_id)
        journal = current_journal()
        if journal.noted("token") is not None:
            text = "this call made a token, which was shown then and is not kept; make another one with a fresh key"
            raise ConflictError("token-already-issued", text, user_id=user_id, **journal.noted("token"))
        journal.answer_from_notes()
        token = TOKEN_PREFIX + secrets.token_urlsafe(32)
        now = int(self._now())
        terms = table.TokenTerms(user_id, label, now, now + days * 86_400)

        def job(tx: Transaction) -> None:
            table.add_token(tx, token, terms)
            journal.note(tx, "token", {"issued": now, "expires": terms.expires_at})

        await self._writer.write(job)
        return token

    def get(self, user_id: int) -> Person:
        """One user.

        Raises:
            NotFoundError: ``user-unknown``.
        """
        with self._writer.read() as reader:
            return _person(table.by_id(reader, user_id))

    def all(self) -> list[Person]:
        """Every user, disabled ones included, in order of adding."""
        with self._writer.read() as reader:
            return [_person(user) for user in table.listing(reader)]

    def page(self, window: Window) -> Page[Person]:
        """Some of ``all``."""
        after = 0 if window.after is None else int(window.after[0])
        with self._writer.read() as reader:
            found = table.listing(reader, after, window.limit + 1)
        return first_of([_person(user) for user in found], window, lambda person: (person.id,))

    async def disable(self, user_id: int) -> None:
        """Disable a user and all their tokens at once.

        Raises:
            NotFoundError: ``user-unknown``.
        """
        self.get(user_id)
        now = int(self._now())

        def job(tx: Transaction) -> None:
            table.disable(tx, user_id, now)
            table.revoke_tokens_of(tx, user_id, now)

        await self._writer.write(job)
        self._cache.clear()


def person_at(reader: Reader, user_id: int) -> Person:
    """A user as a consistent view of the store has them, whoever else reads or writes.

    Raises:
        NotFoundError: ``user-unknown``.
    """
    return _person(table.by_id(reader, user_id))


def _person(user: table.User) -> Person:
    return Person(
        id=user.id,
        person_id=user.person_id,
        name=user.name,
        post=user.post,
        roles=frozenset(Role(role) for role in user.roles),
        expires_at=user.expires_at,
        disabled_at=user.disabled_at,
    )
