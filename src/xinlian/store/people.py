"""Users of this node and their tokens.

Rules
1. Tokens are 256-bit random strings; only their SHA-256 is stored, so the table opens nothing.
2. A token counts while it is not revoked, not expired, and its user neither disabled nor expired.
"""

# ruff: noqa: S608 - SQL is put together from column lists of this package; values always go through "?"
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from xinlian.protocol.errors import AuthError, ConflictError, NotFoundError
from xinlian.store.writer import Reader, Row, Transaction

_COLUMNS = "id, person_id, name, post, roles, expires_at, created_at, disabled_at"


@dataclass(frozen=True, slots=True)
class User:
    """A person who works with this node.

    Args:
        id: row id, stands in log entries.
        person_id: staff number (never an ID number).
        name: as printed.
        post: as printed.
        roles: of this node, sorted.
        expires_at: wall clock, epoch seconds.
        created_at: wall clock, epoch seconds.
        disabled_at: wall clock, epoch seconds, None while active.
    """

    id: int
    person_id: str
    name: str
    post: str
    roles: tuple[str, ...]
    expires_at: int
    created_at: int
    disabled_at: int | None

    def is_active_at(self, now_s: int) -> bool:
        """True while the person may act."""
        return self.disabled_at is None and now_s < self.expires_at


def insert(tx: Transaction, user: User) -> User:
    """Store a user; ``id`` and ``disabled_at`` are ignored.

    Returns:
        The same with its id.

    Raises:
        ConflictError: ``user-exists``.
    """
    if tx.fetch("SELECT 1 FROM users WHERE person_id = ?", (user.person_id,)):
        raise ConflictError("user-exists", f"a user with person id {user.person_id} exists already", person_id=user.person_id)
    tx.run(
        "INSERT INTO users (person_id, name, post, roles, expires_at, created_at) VALUES (?, ?, ?, ?, ?, ?)",
        (user.person_id, user.name, user.post, _roles_text(user.roles), user.expires_at, user.created_at),
    )
    return by_person_id(tx, user.person_id)


def change(tx: Transaction, user_id: int, *, post: str, roles: Sequence[str], expires_at: int) -> User:
    """Give a user another post, other roles or another expiry.

    Raises:
        NotFoundError: ``user-unknown``.
    """
    tx.run("UPDATE users SET post = ?, roles = ?, expires_at = ? WHERE id = ?", (post, _roles_text(roles), expires_at, user_id))
    return by_id(tx, user_id)


def disable(tx: Transaction, user_id: int, now_s: int) -> None:
    """Bar a user for good; the tokens stop counting at once."""
    tx.run("UPDATE users SET disabled_at = ? WHERE id = ? AND disabled_at IS NULL", (now_s, user_id))


def by_id(reader: Reader, user_id: int) -> User:
    """One user by row id.

    Raises:
        NotFoundError: ``user-unknown``.
    """
    return _one(reader.fetch(f"SELECT {_COLUMNS} FROM users WHERE id = ?", (user_id,)), str(user_id))


def by_person_id(reader: Reader, person_id: str) -> User:
    """One user by staff number.

    Raises:
        NotFoundError: ``user-unknown``.
    """
    return _one(reader.fetch(f"SELECT {_COLUMNS} FROM users WHERE person_id = ?", (person_id,)), person_id)


def listing(reader: Reader, after: int = 0, limit: int = 1_000_000) -> list[User]:
    """Users in order of creation.

    Args:
        reader: of node.db.
        after: the last id already seen, 0 to begin.
        limit: at most so many.
    """
    rows = reader.fetch(f"SELECT {_COLUMNS} FROM users WHERE id > ? ORDER BY id LIMIT ?", (after, limit))
    return [_user(row) for row in rows]


def token_hash(token: str) -> bytes:
    """What is stored of a token: SHA-256, 32 bytes."""
    return sha256(token.encode()).digest()


@dataclass(frozen=True, slots=True)
class TokenTerms:
    """What a token is for.

    Args:
        user_id: whose it is.
        label: what the person calls it.
        created_at: wall clock, epoch seconds.
        expires_at: wall clock, epoch seconds.
    """

    user_id: int
    label: str
    created_at: int
    expires_at: int


def add_token(tx: Transaction, token: str, terms: TokenTerms) -> None:
    """Store the hash of a token that the caller made from at least 256 random bits."""
    tx.run(
        "INSERT INTO tokens (hash, user_id, label, created_at, expires_at) VALUES (?, ?, ?, ?, ?)",
        (token_hash(token), terms.user_id, terms.label, terms.created_at, terms.expires_at),
    )


def revoke_token(tx: Transaction, token: str, now_s: int) -> bool:
    """Take a token back.

    Returns:
        True when it counted until now.
    """
    return tx.run("UPDATE tokens SET revoked_at = ? WHERE hash = ? AND revoked_at IS NULL", (now_s, token_hash(token))) > 0


def revoke_tokens_of(tx: Transaction, user_id: int, now_s: int) -> int:
    """Take all tokens of a user back.

    Returns:
        How many counted until now.
    """
    return tx.run("UPDATE tokens SET revoked_at = ? WHERE user_id = ? AND revoked_at IS NULL", (now_s, user_id))


def user_of_token(reader: Reader, token: str, now_s: int) -> User:
    """Who a token stands for.

    Raises:
        AuthError: ``token-unknown`` when it does not count (the reason is not told).
    """
    columns = ", ".join(f"u.{name}" for name in _COLUMNS.split(", "))
    rows = reader.fetch(
        f"SELECT {columns} FROM tokens t JOIN users u ON u.id = t.user_id "
        "WHERE t.hash = ? AND t.revoked_at IS NULL AND t.expires_at > ? AND u.disabled_at IS NULL AND u.expires_at > ?",
        (token_hash(token), now_s, now_s),
    )
    if not rows:
        raise AuthError("token-unknown", "the token is not known here, or no longer counts")
    return _user(rows[0])


def _roles_text(roles: Sequence[str]) -> str:
    return " ".join(sorted(set(roles)))


def _one(rows: list[Row], what: str) -> User:
    if not rows:
        raise NotFoundError("user-unknown", f"no such user: {what}")
    return _user(rows[0])


def _user(row: Row) -> User:
    return User(*(*row[:4], tuple(row[4].split()), *row[5:]))
