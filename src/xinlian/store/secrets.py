"""The node's secrets as encrypted files in one directory.

Rules
1. Directory mode 0700, files 0600; existing keys are never overwritten.
2. ``storage.json`` holds the storage secrets (KEK, index, pseudonym, column key) and the file key of the PEM files, AES-256-GCM
   under scrypt(passphrase). ``<role>.json`` are Ethereum keystores v3 under the passphrase itself, so that standard tools
   open them. ``signing-<time>-<n>.pem`` / ``hpke-<time>-<n>.pem`` are PKCS #8 (Ed25519 / X25519) encrypted with the file key,
   256 random bits.
3. Rotation only adds files; the newest key is current, older ones stay for answers in flight and old evidence.
4. Keys come from the random source handed in; only salts and nonces inside the key file formats come from the libraries.

``eth_account`` is imported here and nowhere else in ``store``; it costs about half a second at start.

Example: ``keys = NodeKeys.load(path, passphrase); keys.signing.current.private.sign(data)``

Source: Web3 Secret Storage v3; RFC 5208 / RFC 8018 (PKCS #8, PBES2); RFC 7914 (scrypt).
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from eth_account import Account

from xinlian.protocol.errors import ConfigError
from xinlian.store.record_keys import Vault
from xinlian.store.sealing import KEY_BYTES, NONCE_BYTES, Random, Sealer

SCRYPT_N = 2**17
"""Work factor outside tests; 128 MiB and about a third of a second per file."""
SCRYPT_N_LIGHT = 2**12
"""Work factor where the passphrase itself is long and random (256 bits), so that stretching it adds nothing; 4 MiB a file."""
SCRYPT_N_TEST = 2**4
"""For tests only: no protection."""
SCRYPT_R = 8
SCRYPT_P = 1
NODE_ROLES = ("anchor", "law", "admin")
AUTHORITY_ROLE = "authority"
STORAGE_FILE = "storage.json"
STORAGE_FORMAT = "xinlian-storage-keys/1"
_SECP256K1_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
_PEM_NAME = re.compile(r"(signing|hpke)-(\d+)-(\d+)\.pem")
_STORAGE_NAMES = ("index", "pseudonym", "column", "file")

PrivateKey = TypeVar("PrivateKey", Ed25519PrivateKey, X25519PrivateKey)


@dataclass(frozen=True, slots=True)
class KeyPair(Generic[PrivateKey]):
    """One signing or HPKE key.

    Args:
        private: the key object.
        public: raw public key, 32 bytes.
        created_at: wall clock, epoch seconds.
        number: orders keys of the same second, from 1.
    """

    private: PrivateKey = field(repr=False)
    public: bytes
    created_at: int
    number: int


@dataclass(frozen=True, slots=True)
class KeyRing(Generic[PrivateKey]):
    """All keys of one use.

    Args:
        keys: newest first, at least one.
    """

    keys: tuple[KeyPair[PrivateKey], ...]

    @property
    def current(self) -> KeyPair[PrivateKey]:
        """The newest key."""
        return self.keys[0]

    @property
    def retired(self) -> tuple[KeyPair[PrivateKey], ...]:
        """All but the newest, newest first."""
        return self.keys[1:]


@dataclass(frozen=True, slots=True)
class ChainKey:
    """A key that signs transactions.

    Args:
        role: ``anchor``, ``law``, ``admin`` or ``authority``.
        address: checksummed.
        private: 32 bytes.
    """

    role: str
    address: str
    private: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class StorageKeys:
    """Secrets of the store; 32 bytes each.

    Args:
        keks: key-encryption keys by number.
        index: of blind indexes.
        pseudonym: of subject pseudonyms and record tags.
        column: of sealed columns.
        file: opens the PEM files.
    """

    keks: Mapping[int, bytes] = field(repr=False)
    index: bytes = field(repr=False)
    pseudonym: bytes = field(repr=False)
    column: bytes = field(repr=False)
    file: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class NodeKeys:
    """Everything a node knows that others must not.

    Args:
        directory: where the files are.
        chain: by role.
        signing: Ed25519, signs messages and statements.
        hpke: X25519, opens requests.
        storage: secrets of the store.
    """

    directory: Path
    chain: Mapping[str, ChainKey]
    signing: KeyRing[Ed25519PrivateKey]
    hpke: KeyRing[X25519PrivateKey]
    storage: StorageKeys

    @classmethod
    def create(cls, directory: Path, passphrase: str, terms: Creation) -> NodeKeys:
        """Make a node's keys and write them.

        Args:
            directory: created when missing; must hold no keys.
            passphrase: opens the files; not empty.
            terms: roles, time, random source, work factor.

        Returns:
            The keys, as ``load`` returns them.

        Raises:
            ConfigError: ``keys-exist``; ``passphrase-wrong`` when it is empty; ``keys-missing`` when the directory
                cannot be written.
        """
        if not passphrase:
            raise ConfigError("passphrase-wrong", "the passphrase is empty")
        if directory.is_dir() and any(directory.iterdir()):
            raise ConfigError("keys-exist", f"{directory.name} holds files already", directory=directory.name)
        staging = _staging(directory)
        _write_new(staging, passphrase, terms)
        staging.rename(directory)  # an empty directory in the way is replaced; a crash before leaves no half set of keys
        return cls.load(directory, passphrase)

    @classmethod
    def load(cls, directory: Path, passphrase: str) -> NodeKeys:
        """Open a node's keys.

        Raises:
            ConfigError: ``passphrase-wrong``, ``keys-missing`` (also for damaged files), ``keys-mode``.
        """
        storage = _open_storage(_read(directory / STORAGE_FILE), passphrase)
        chain = [_open_keystore(path, passphrase) for path in _keystores(directory)]
        return cls(
            directory,
            {key.role: key for key in chain},
            _ring(directory, "signing", _ed25519, storage.file),
            _ring(directory, "hpke", _x25519, storage.file),
            storage,
        )

    def rotate_signing(self, now_s: int, random: Random) -> NodeKeys:
        """Add a new Ed25519 key; the old ones stay.

        Returns:
            The keys with the new one current.
        """
        key = Ed25519PrivateKey.from_private_bytes(random(KEY_BYTES))
        _write_pem(self.directory, "signing", key, max(now_s, self.signing.current.created_at), self.storage.file)
        ring = _ring(self.directory, "signing", _ed25519, self.storage.file)
        return NodeKeys(self.directory, self.chain, ring, self.hpke, self.storage)

    def rotate_hpke(self, now_s: int, random: Random) -> NodeKeys:
        """Add a new X25519 key; the old ones stay.

        Returns:
            The keys with the new one current.
        """
        key = X25519PrivateKey.from_private_bytes(random(KEY_BYTES))
        _write_pem(self.directory, "hpke", key, max(now_s, self.hpke.current.created_at), self.storage.file)
        ring = _ring(self.directory, "hpke", _x25519, self.storage.file)
        return NodeKeys(self.directory, self.chain, self.signing, ring, self.storage)

    def vault(self, random: Random) -> Vault:
        """What wraps record keys."""
        return Vault(self.storage.keks, random)

    def sealer(self, random: Random) -> Sealer:
        """What encrypts sealed columns."""
        return Sealer(self.storage.column, random)


@dataclass(frozen=True, slots=True)
class Creation:
    """How keys are made.

    Args:
        now_s: wall clock, epoch seconds.
        random: source of keys (``os.urandom`` outside tests).
        roles: chain roles; the authority's node adds ``AUTHORITY_ROLE``.
        scrypt_n: work factor, a power of two; ``SCRYPT_N_LIGHT`` only for a long random passphrase.
    """

    now_s: int
    random: Random = field(default=os.urandom, repr=False)
    roles: Sequence[str] = NODE_ROLES
    scrypt_n: int = SCRYPT_N


# -- files -------------------------------------------------------------------------------------------
def _staging(directory: Path) -> Path:
    """An empty directory beside the target; what a crash left there is useless and goes."""
    staging = directory.with_name(directory.name + ".new")
    try:
        if staging.exists():
            shutil.rmtree(staging)
        staging.mkdir(mode=0o700, parents=True)
    except OSError as error:
        raise ConfigError("keys-missing", f"{staging.name} cannot be made: {error.strerror}") from error
    return staging


def _write_new(directory: Path, passphrase: str, terms: Creation) -> None:
    storage = _new_storage(terms.random)
    for role in terms.roles:
        _write(directory / f"{role}.json", _keystore(_chain_secret(terms.random), passphrase, terms.scrypt_n))
    _write_pem(directory, "signing", Ed25519PrivateKey.from_private_bytes(terms.random(KEY_BYTES)), terms.now_s, storage.file)
    _write_pem(directory, "hpke", X25519PrivateKey.from_private_bytes(terms.random(KEY_BYTES)), terms.now_s, storage.file)
    _write(directory / STORAGE_FILE, _seal_storage(storage, passphrase, terms))


def _keystores(directory: Path) -> list[Path]:
    """Of the roles whose key is not at a remote signer."""
    return sorted(path for path in directory.glob("*.json") if path.name != STORAGE_FILE)


def _write(path: Path, content: bytes) -> None:
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError as error:
        raise ConfigError("keys-exist", f"{path.name} exists already", file=path.name) from error
    with os.fdopen(fd, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_mode & 0o077 or path.parent.stat().st_mode & 0o077:
            raise ConfigError("keys-mode", f"{path.name} or its directory can be read by others", file=path.name)
        return path.read_bytes()
    except OSError as error:
        raise ConfigError("keys-missing", f"{path.name} cannot be read: {error.strerror}", file=path.name) from error


# -- storage secrets ---------------------------------------------------------------------------------
def _new_storage(random: Random) -> StorageKeys:
    return StorageKeys({1: random(KEY_BYTES)}, *(random(KEY_BYTES) for _ in _STORAGE_NAMES))


def _derive(passphrase: str, salt: bytes, n: int) -> bytes:
    maxmem = 256 * n * SCRYPT_R
    return hashlib.scrypt(passphrase.encode(), salt=salt, n=n, r=SCRYPT_R, p=SCRYPT_P, maxmem=maxmem, dklen=KEY_BYTES)


def _seal_storage(storage: StorageKeys, passphrase: str, terms: Creation) -> bytes:
    salt, nonce = terms.random(16), terms.random(NONCE_BYTES)
    inner = {"keks": {str(n): _b64(kek) for n, kek in storage.keks.items()}}
    inner |= {name: _b64(getattr(storage, name)) for name in _STORAGE_NAMES}  # type: ignore[misc]
    key = _derive(passphrase, salt, terms.scrypt_n)
    sealed = AESGCM(key).encrypt(nonce, json.dumps(inner).encode(), STORAGE_FORMAT.encode())
    outer = {"format": STORAGE_FORMAT, "n": terms.scrypt_n, "salt": _b64(salt), "nonce": _b64(nonce), "sealed": _b64(sealed)}
    return json.dumps(outer, indent=1).encode()


def _open_storage(content: bytes, passphrase: str) -> StorageKeys:
    try:
        outer = json.loads(content)
        key = _derive(passphrase, _unb64(outer["salt"]), outer["n"])
        inner = json.loads(AESGCM(key).decrypt(_unb64(outer["nonce"]), _unb64(outer["sealed"]), outer["format"].encode()))
    except InvalidTag as error:
        raise ConfigError("passphrase-wrong", "the passphrase does not open the node's keys") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigError("keys-missing", f"{STORAGE_FILE} is damaged", file=STORAGE_FILE) from error
    keks = {int(number): _unb64(kek) for number, kek in inner["keks"].items()}
    return StorageKeys(keks, *(_unb64(inner[name]) for name in _STORAGE_NAMES))


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _unb64(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


# -- chain keys --------------------------------------------------------------------------------------
def _chain_secret(random: Random) -> bytes:
    while True:
        secret = random(KEY_BYTES)
        if 0 < int.from_bytes(secret, "big") < _SECP256K1_ORDER:
            return secret


def _keystore(secret: bytes, passphrase: str, scrypt_n: int) -> bytes:
    keystore: dict[str, Any] = Account.encrypt(secret, passphrase, kdf="scrypt", iterations=scrypt_n)
    return json.dumps(keystore).encode()


def _open_keystore(path: Path, passphrase: str) -> ChainKey:
    content = _read(path)
    try:
        secret = bytes(Account.decrypt(json.loads(content), passphrase))
    except ValueError as error:
        if "MAC mismatch" in str(error):
            raise ConfigError("passphrase-wrong", f"the passphrase does not open {path.name}", file=path.name) from error
        raise ConfigError("keys-missing", f"{path.name} is damaged", file=path.name) from error
    except (KeyError, TypeError) as error:
        raise ConfigError("keys-missing", f"{path.name} is damaged", file=path.name) from error
    return ChainKey(path.stem, Account.from_key(secret).address, secret)


# -- signing and HPKE keys ---------------------------------------------------------------------------
def _ed25519(key: object) -> Ed25519PrivateKey | None:
    return key if isinstance(key, Ed25519PrivateKey) else None


def _x25519(key: object) -> X25519PrivateKey | None:
    return key if isinstance(key, X25519PrivateKey) else None


def _write_pem(directory: Path, use: str, key: Ed25519PrivateKey | X25519PrivateKey, now_s: int, file_key: bytes) -> None:
    number = max((int(m[3]) for path in directory.glob(f"{use}-*.pem") if (m := _PEM_NAME.fullmatch(path.name))), default=0) + 1
    content = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(base64.b64encode(file_key)))
    _write(directory / f"{use}-{now_s}-{number}.pem", content)


def _ring(directory: Path, use: str, kind: Callable[[object], PrivateKey | None], file_key: bytes) -> KeyRing[PrivateKey]:
    found: list[KeyPair[PrivateKey]] = []
    for path in directory.glob(f"{use}-*.pem"):
        match = _PEM_NAME.fullmatch(path.name)
        if match is None:
            continue
        private = _open_pem(path, kind, file_key)
        public = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        found.append(KeyPair(private, public, int(match[2]), int(match[3])))
    if not found:
        raise ConfigError("keys-missing", f"{directory.name} holds no {use} key", use=use)
    return KeyRing(tuple(sorted(found, key=lambda pair: (pair.created_at, pair.number), reverse=True)))


def _open_pem(path: Path, kind: Callable[[object], PrivateKey | None], file_key: bytes) -> PrivateKey:
    try:
        private = kind(load_pem_private_key(_read(path), base64.b64encode(file_key)))
    except ValueError as error:
        raise ConfigError("keys-missing", f"{path.name} is damaged or belongs to another node", file=path.name) from error
    if private is None:
        raise ConfigError("keys-missing", f"{path.name} holds a key of another kind", file=path.name)
    return private
