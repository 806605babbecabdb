"""The key store: one wrapped key per revision of a record, in a database of its own.

Rules
1. A record key is 32 random bytes, stored as AES-256-GCM under a key-encryption key (KEK), bound to (jti, rev).
2. Keys are stored, durably, *before* their record; a key without record (a crash in between) is an orphan and is destroyed
   at the next start.
3. Destroying overwrites the wrapped key in its place with zeros; then ``Writer.checkpoint`` empties the write-ahead log. Rows are
   appended in order and never deleted or moved, so the database file never held a second copy of the bytes.
4. A backup of the key store lives ``keep_s`` only; an erasure is beyond recovery when the last backup from before it is purged.

Example::

    await keys.write(lambda tx: put_many(tx, vault.wrap_many([(jti, 1, key)])))
    record_key = vault.unwrap(get(reader, jti, 1))
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from xinlian.protocol.errors import NotFoundError, StoreError
from xinlian.store.sealing import KEY_BYTES, NONCE_BYTES, Random
from xinlian.store.writer import Reader, Transaction, Writer

WRAPPED_BYTES = NONCE_BYTES + KEY_BYTES + 16
_ZEROS = bytes(WRAPPED_BYTES)
_SWEEP_PAGE = 2_000
_ASKED_AT_ONCE = 500
_SWEPT_TO = "swept-to"
BACKUP_PREFIX = "keys-"
BACKUP_SUFFIX = ".db"


@dataclass(frozen=True, slots=True)
class WrappedKey:
    """A record key as it is stored.

    Args:
        jti: record id, 16 bytes.
        rev: revision, from 1.
        kek: number of the KEK.
        wrapped: 60 bytes.
    """

    jti: bytes
    rev: int
    kek: int
    wrapped: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Vault:
    """Wraps and unwraps record keys; holds the KEKs in memory, never in a file.

    Args:
        keks: 32-byte keys by number; the highest number wraps.
        random: source of nonces.
    """

    keks: Mapping[int, bytes] = field(repr=False)
    random: Random = field(repr=False)

    def wrap_many(self, keys: Sequence[tuple[bytes, int, bytes]]) -> list[tuple[bytes, int, int, bytes]]:
        """Wrap record keys for ``put_many``.

        Args:
            keys: (jti 16 bytes, rev, record key 32 bytes).

        Returns:
            Rows for ``put_many`` in the same order.
        """
        number = max(self.keks)
        encrypt = AESGCM(self.keks[number]).encrypt
        nonces = self.random(NONCE_BYTES * len(keys))
        rows = []
        for i, (jti, rev, key) in enumerate(keys):
            nonce = nonces[i * NONCE_BYTES : (i + 1) * NONCE_BYTES]
            rows.append((jti, rev, number, nonce + encrypt(nonce, key, _aad(jti, rev))))
        return rows

    def unwrap(self, key: WrappedKey) -> bytes:
        """Undo the wrapping of one key.

        Returns:
            The record key, 32 bytes.

        Raises:
            StoreError: ``sealed-broken`` when the wrapped key was changed or belongs to another KEK or record.
        """
        try:
            nonce, sealed = key.wrapped[:NONCE_BYTES], key.wrapped[NONCE_BYTES:]
            return AESGCM(self.keks[key.kek]).decrypt(nonce, sealed, _aad(key.jti, key.rev))
        except (InvalidTag, KeyError) as error:
            raise StoreError("sealed-broken", "a wrapped record key does not open", kek=key.kek) from error


def _aad(jti: bytes, rev: int) -> bytes:
    return jti + rev.to_bytes(4, "big")


def put_many(tx: Transaction, rows: Sequence[tuple[bytes, int, int, bytes]]) -> None:
    """Store wrapped keys (rows of ``Vault.wrap_many``).

    Raises:
        StoreError: ``store-constraint`` when one of them has a key already; none is stored then.
    """
    tx.insert("record_keys (jti, rev, kek, wrapped)", rows)


def put_revision(tx: Transaction, row: tuple[bytes, int, int, bytes]) -> None:
    """Store the wrapped key of a further revision, over one that an attempt without a record left in its place.

    Args:
        tx: of the key store.
        row: of ``Vault.wrap_many``; the caller knows that no record of this revision is stored.
    """
    tx.run(
        "INSERT INTO record_keys (jti, rev, kek, wrapped) VALUES (?, ?, ?, ?) "
        "ON CONFLICT (jti, rev) DO UPDATE SET kek = excluded.kek, wrapped = excluded.wrapped",
        row,
    )


def get(reader: Reader, jti: bytes, rev: int) -> WrappedKey:
    """The wrapped key of one revision.

    Raises:
        NotFoundError: ``record-key-missing`` when there is none or it was destroyed.
    """
    return get_many(reader, [(jti, rev)])[jti, rev]


def get_many(reader: Reader, wanted: Sequence[tuple[bytes, int]]) -> dict[tuple[bytes, int], WrappedKey]:
    """The wrapped keys of many revisions.

    Args:
        reader: of the key store.
        wanted: (jti, rev) pairs.

    Raises:
        NotFoundError: ``record-key-missing`` when one of them is missing or destroyed.
    """
    stored: dict[tuple[bytes, int], tuple[int, bytes]] = {}
    for start in range(0, len(wanted), _ASKED_AT_ONCE):
        ids = [jti for jti, _ in wanted[start : start + _ASKED_AT_ONCE]]
        marks = ", ".join("?" * len(ids))
        sql = f"SELECT jti, rev, kek, wrapped FROM record_keys WHERE jti IN ({marks})"  # noqa: S608 - question marks only
        stored |= {(jti, rev): (kek, wrapped) for jti, rev, kek, wrapped in reader.fetch(sql, ids)}
    found = {}
    for jti, rev in wanted:
        kek, wrapped = stored.get((jti, rev), (0, _ZEROS))
        if wrapped == _ZEROS:
            raise NotFoundError("record-key-missing", f"no key for record {jti.hex()} revision {rev}", jti=jti.hex(), rev=rev)
        found[jti, rev] = WrappedKey(jti, rev, kek, wrapped)
    return found


def destroy(tx: Transaction, jti: bytes, rev: int) -> bool:
    """Overwrite one wrapped key; gone for good after the next ``Writer.checkpoint``. Repeating it does no harm.

    Returns:
        True when there was a key to destroy.
    """
    changed = tx.run("UPDATE record_keys SET wrapped = ? WHERE jti = ? AND rev = ? AND wrapped <> ?", (_ZEROS, jti, rev, _ZEROS))
    return changed > 0


def destroy_many(tx: Transaction, rows: Sequence[tuple[bytes, int, int, bytes]]) -> None:
    """``destroy`` for rows of ``put_many`` whose records were refused."""
    for jti, rev, _, _ in rows:
        destroy(tx, jti, rev)


def is_destroyed(reader: Reader, jti: bytes, rev: int) -> bool:
    """True when no usable key of this revision is stored."""
    rows = reader.fetch("SELECT 1 FROM record_keys WHERE jti = ? AND rev = ? AND wrapped <> ?", (jti, rev, _ZEROS))
    return not rows


def usable_of(reader: Reader, wanted: Sequence[tuple[bytes, int]]) -> set[tuple[bytes, int]]:
    """Which of some revisions have a usable key.

    Args:
        reader: of the key store.
        wanted: (jti, rev) pairs.
    """
    usable: set[tuple[bytes, int]] = set()
    for start in range(0, len(wanted), _ASKED_AT_ONCE):
        ids = [jti for jti, _ in wanted[start : start + _ASKED_AT_ONCE]]
        marks = ", ".join("?" * len(ids))
        sql = f"SELECT jti, rev FROM record_keys WHERE jti IN ({marks}) AND wrapped <> ?"  # noqa: S608 - question marks only
        usable.update((row[0], row[1]) for row in reader.fetch(sql, (*ids, _ZEROS)))
    return usable & set(wanted)


def sweep_orphans(keys: Writer, node: Writer) -> int:
    """Destroy keys whose record was never stored; call it at start, before anything is published.

    Looks only at keys that are newer than the last sweep. The caller runs ``keys.checkpoint()`` when the result is not 0.

    Args:
        keys: writer of the key store.
        node: writer of node.db.

    Returns:
        How many keys were destroyed.

    Raises:
        StoreError: when one of the databases fails.
    """
    destroyed = 0
    while page := _unswept(keys):
        with node.read() as reader:
            orphans = [(jti, rev) for _, jti, rev in page if not _has_record(reader, jti, rev)]
        keys.submit(_sweep_job(orphans, page[-1][0])).result()
        destroyed += len(orphans)
    return destroyed


def _unswept(keys: Writer) -> list[tuple[int, bytes, int]]:
    with keys.read() as reader:
        mark = reader.fetch("SELECT value FROM key_meta WHERE key = ?", (_SWEPT_TO,))
        rows = reader.fetch(
            "SELECT id, jti, rev FROM record_keys WHERE id > ? ORDER BY id LIMIT ?", (int(mark[0][0]) if mark else 0, _SWEEP_PAGE)
        )
    return [(row[0], row[1], row[2]) for row in rows]


def _has_record(reader: Reader, jti: bytes, rev: int) -> bool:
    return bool(reader.fetch("SELECT 1 FROM records WHERE jti = ? AND rev = ?", (jti, rev)))


def _sweep_job(orphans: Iterable[tuple[bytes, int]], swept_to: int) -> Callable[[Transaction], None]:
    def job(tx: Transaction) -> None:
        for jti, rev in orphans:
            destroy(tx, jti, rev)
        tx.run("DELETE FROM key_meta WHERE key = ?", (_SWEPT_TO,))
        tx.run("INSERT INTO key_meta (key, value) VALUES (?, ?)", (_SWEPT_TO, str(swept_to)))

    return job


def backup(keys: Writer, directory: Path, now_s: int) -> Path:
    """Copy the key store into a directory of short-lived backups.

    Args:
        keys: writer of the key store.
        directory: created with mode 0700 when missing.
        now_s: wall clock, epoch seconds; stands in the file name.

    Returns:
        The new file, mode 0600.

    Raises:
        StoreError: ``disk-full`` or ``store-io``.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    target = directory / f"{BACKUP_PREFIX}{now_s}{BACKUP_SUFFIX}"
    keys.backup(target).result()
    return target


def purge_backups(directory: Path, now_s: int, keep_s: int) -> list[Path]:
    """Overwrite and delete backups older than their time.

    Args:
        directory: of ``backup``.
        now_s: wall clock, epoch seconds.
        keep_s: how long a backup lives.

    Returns:
        The files that are gone, oldest first.

    Raises:
        StoreError: ``store-io`` when a file cannot be deleted.
    """
    gone = [path for made_at, path in backups(directory) if made_at + keep_s <= now_s]
    for path in gone:
        try:
            _overwrite(path)
            path.unlink()
        except OSError as error:
            raise StoreError("store-io", f"the key backup {path.name} cannot be deleted: {error.strerror}") from error
    return gone


def backups(directory: Path) -> list[tuple[int, Path]]:
    """The backups in a directory.

    Returns:
        (made at, file), oldest first.
    """
    stamped = [
        (int(stamp), path)
        for path in directory.glob(f"{BACKUP_PREFIX}*{BACKUP_SUFFIX}")
        if (stamp := path.name[len(BACKUP_PREFIX) : -len(BACKUP_SUFFIX)]).isdecimal()
    ]
    return sorted(stamped)


def _overwrite(path: Path) -> None:
    left = path.stat().st_size
    with path.open("r+b") as file:
        while left > 0:
            left -= file.write(bytes(min(left, 1 << 20)))
