"""Verifying a person: the port, its OIDC adapter (统一身份认证), and the demo login for development.

Rules
1. A login is begun and finished; in between the person is at the identity provider. What was begun is kept in memory, once, for
   ten minutes: an unknown, used or late one is ``login-unknown``.
2. OIDC: authorization code flow with PKCE (S256), state and nonce; the ID token's signature, issuer, audience, times and nonce
   are checked by joserfc; algorithms are those of public keys only. The ID number is a claim that the settings name.
3. The demo login believes what it is told. It exists in development only, and every ledger says so.
4. Neither ID number nor token appears in a log, an URL of this node or an error.

Source: OpenID Connect Core 1.0 §3.1; RFC 7636 (PKCE); RFC 9700 (best practice).
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol
from urllib.parse import urlencode, urlsplit

import aiohttp
import orjson
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from xinlian.protocol.b64 import b64u
from xinlian.protocol.dataset import SubjectKind
from xinlian.protocol.errors import ConfigError, InputError, PeerError, RefusedError
from xinlian.protocol.messages.self_access import Login
from xinlian.protocol.subjects import Subject
from xinlian.protocol.types import EpochS

BEGUN_S: Final = 600
MAX_BEGUN: Final = 10_000
LEEWAY_S: Final = 60
_MAX_BYTES: Final = 1 << 20
_ALGORITHMS: Final = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519", "EdDSA"]


@dataclass(frozen=True, slots=True)
class Begun:
    """A login that was begun: its id, and where the person goes (empty for the demo login)."""

    id: str
    url: str
    method: str


@dataclass(frozen=True, slots=True)
class Verified:
    """A person who was verified, and how."""

    subject: Subject = field(repr=False)
    login: Login


class Logins(Protocol):
    """Verifies persons."""

    async def begin(self) -> Begun:
        """Begin a login.

        Raises:
            PeerError: ``identity-provider``.
            ConfigError: ``login-not-set-up``.
        """
        ...

    async def finish(self, login_id: str, code: str) -> Verified:
        """Finish it with what the person came back with.

        Raises:
            RefusedError: ``login-unknown``, ``login-refused``.
            PeerError: ``identity-provider``.
        """
        ...


class NoLogins:
    """For nodes whose settings name no identity provider."""

    async def begin(self) -> Begun:
        """Refuse."""
        raise ConfigError("login-not-set-up", "the settings name no identity provider (oidc_issuer)")

    async def finish(self, login_id: str, code: str) -> Verified:
        """Refuse."""
        raise ConfigError("login-not-set-up", "the settings name no identity provider (oidc_issuer)")


class DemoLogins:
    """Believes the ID number that it is told; for development only.

    Args:
        wall_s: wall clock, epoch seconds.
    """

    def __init__(self, wall_s: Callable[[], float]) -> None:
        self._wall_s = wall_s
        self._waiting = Waiting(wall_s)

    async def begin(self) -> Begun:
        """Begin a login; there is nowhere to go to."""
        return Begun(self._waiting.put(("", "")), "", "demo")

    async def finish(self, login_id: str, code: str) -> Verified:
        """``code`` is the person's ID number."""
        self._waiting.take(login_id)
        return Verified(_person(code), Login("demo 演示", "demo", EpochS(int(self._wall_s()))))


class Waiting:
    """Logins between their two halves: a verifier and a nonce by id, each taken once.

    Args:
        wall_s: wall clock, epoch seconds.
    """

    def __init__(self, wall_s: Callable[[], float]) -> None:
        self._wall_s = wall_s
        self._begun: dict[str, tuple[float, tuple[str, str]]] = {}

    def put(self, secret: tuple[str, str]) -> str:
        """Keep one; gives its id."""
        now = self._wall_s()
        for late in [one for one, (until, _) in self._begun.items() if until < now]:
            del self._begun[late]
        while len(self._begun) >= MAX_BEGUN:
            self._begun.pop(next(iter(self._begun)))
        login_id = secrets.token_urlsafe(32)
        self._begun[login_id] = (now + BEGUN_S, secret)
        return login_id

    def take(self, login_id: str) -> tuple[str, str]:
        """What was kept, once.

        Raises:
            RefusedError: ``login-unknown``.
        """
        until, secret = self._begun.pop(login_id, (0.0, ("", "")))
        if until < self._wall_s():
            raise RefusedError("login-unknown", "this login was not begun here, is finished, or took too long")
        return secret


@dataclass(frozen=True, slots=True)
class Provider:
    """An OIDC identity provider as the settings name it.

    Args:
        issuer: its URL.
        client_id: of this node.
        client_secret: of this node; None for a public client.
        redirect_uri: where the person comes back to (the authority's portal).
        id_number_claim: the claim that holds the ID number.
        scopes: asked for.
    """

    issuer: str
    client_id: str
    client_secret: str | None = field(repr=False)
    redirect_uri: str
    id_number_claim: str
    scopes: str = "openid"


class OidcLogins:
    """The adapter.

    Args:
        provider: whom to ask.
        wall_s: wall clock, epoch seconds.
        timeout_s: for one call.
        development: allows plain HTTP.
    """

    def __init__(self, provider: Provider, wall_s: Callable[[], float], timeout_s: float, *, development: bool) -> None:
        self._provider = provider
        self._wall_s = wall_s
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._schemes = ("https", "http") if development else ("https",)
        self._waiting = Waiting(wall_s)

    async def begin(self) -> Begun:
        """Begin a login at the provider."""
        found = await self._discovered()
        verifier, nonce = secrets.token_urlsafe(48), secrets.token_urlsafe(24)
        login_id = self._waiting.put((verifier, nonce))
        query = {
            "response_type": "code",
            "client_id": self._provider.client_id,
            "redirect_uri": self._provider.redirect_uri,
            "scope": self._provider.scopes,
            "state": login_id,
            "nonce": nonce,
            "code_challenge": b64u(hashlib.sha256(verifier.encode()).digest()),
            "code_challenge_method": "S256",
        }
        where = self._url(found, "authorization_endpoint")
        return Begun(login_id, f"{where}{'&' if '?' in where else '?'}{urlencode(query)}", "oidc")

    async def finish(self, login_id: str, code: str) -> Verified:
        """``code`` is the authorization code."""
        verifier, nonce = self._waiting.take(login_id)
        found = await self._discovered()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._provider.redirect_uri,
            "client_id": self._provider.client_id,
            "code_verifier": verifier,
        }
        if self._provider.client_secret is not None:
            form["client_secret"] = self._provider.client_secret
        told = await self._call("POST", self._url(found, "token_endpoint"), form)
        keys = await self._call("GET", self._url(found, "jwks_uri"), None)
        claims = self._claims(told.get("id_token"), keys, nonce)
        return Verified(_person(claims.get(self._provider.id_number_claim)), self._login(claims))

    def _login(self, claims: Mapping[str, Any]) -> Login:
        at = claims.get("auth_time", claims["iat"])
        return Login(self._provider.issuer, "oidc", EpochS(int(at)))

    def _claims(self, token: object, keys: Mapping[str, Any], nonce: str) -> dict[str, Any]:
        """The claims of an ID token whose signature and words hold.

        Raises:
            RefusedError: ``login-refused``.
        """
        text = token if isinstance(token, str) else ""
        try:
            decoded = jwt.decode(text, KeySet.import_key_set(dict(keys)), algorithms=_ALGORITHMS)  # type: ignore[arg-type]
            registry = jwt.JWTClaimsRegistry(
                now=int(self._wall_s()),
                leeway=LEEWAY_S,
                iss={"essential": True, "value": self._provider.issuer},
                aud={"essential": True, "value": self._provider.client_id},
                nonce={"essential": True, "value": nonce},
                exp={"essential": True},
                iat={"essential": True},
            )
            registry.validate(decoded.claims)
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise RefusedError("login-refused", "the identity provider's token does not hold") from error
        return dict(decoded.claims)

    async def _discovered(self) -> dict[str, Any]:
        found = await self._call("GET", self._provider.issuer.rstrip("/") + "/.well-known/openid-configuration", None)
        if found.get("issuer") != self._provider.issuer:
            raise PeerError("identity-provider", "the identity provider names another issuer")
        return found

    def _url(self, found: Mapping[str, Any], name: str) -> str:
        url = found.get(name)
        if not isinstance(url, str) or urlsplit(url).scheme not in self._schemes:
            raise PeerError("identity-provider", f"the identity provider's {name} is not usable", member=name)
        return url

    async def _call(self, method: str, url: str, form: Mapping[str, str] | None) -> dict[str, Any]:
        """A JSON object of the provider.

        Raises:
            RefusedError: ``login-refused`` when it refuses the code.
            PeerError: ``identity-provider``.
        """
        if urlsplit(url).scheme not in self._schemes:
            raise PeerError("identity-provider", "the identity provider is not reached over TLS")
        try:
            async with (
                aiohttp.ClientSession(timeout=self._timeout) as session,
                session.request(method, url, data=form, allow_redirects=False) as response,
            ):
                if form is not None and 400 <= response.status < 500:
                    raise RefusedError("login-refused", "the identity provider refuses the code")
                if response.status != 200:
                    raise PeerError(
                        "identity-provider", "the identity provider does not answer as agreed", status=response.status
                    )
                content = await response.content.read(_MAX_BYTES)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise PeerError("identity-provider", "the identity provider cannot be reached") from error
        return _object(content)


def _object(content: bytes) -> dict[str, Any]:
    try:
        found = orjson.loads(content)
    except ValueError as error:
        raise PeerError("identity-provider", "the identity provider's answer is not JSON") from error
    if not isinstance(found, dict):
        raise PeerError("identity-provider", "the identity provider's answer is no object")
    return found


def _person(value: object) -> Subject:
    """The person of an ID number.

    Raises:
        RefusedError: ``login-refused``.
    """
    try:
        return Subject(SubjectKind.PERSON, value if isinstance(value, str) else "")
    except InputError as error:
        raise RefusedError("login-refused", "the login names no valid ID number") from error
