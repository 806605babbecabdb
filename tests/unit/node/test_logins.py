"""Persons' logins: the OIDC adapter against a real HTTP provider, every lie of the provider refused; the demo login."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from aiohttp import web
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OctKey
from pydantic import ValidationError

from xinlian.node.self_access.desk import logins_of
from xinlian.node.self_access.logins import DemoLogins, NoLogins, OidcLogins, Provider
from xinlian.node.settings import Settings
from xinlian.protocol.b64 import b64u
from xinlian.protocol.errors import ConfigError, PeerError, RefusedError

ID_NUMBER = "411599199001010014"
NOW = 1_790_000_000


@dataclass
class FakeProvider:
    """An identity provider that lies as it is told."""

    key: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256", {"kid": "k1", "use": "sig"}))
    url: str = ""
    challenge: str = ""
    nonce: str = ""
    claims: dict[str, Any] = field(default_factory=dict)
    header: dict[str, Any] = field(default_factory=lambda: {"alg": "ES256", "kid": "k1"})
    signs_with: Any = None
    discovery: dict[str, Any] = field(default_factory=dict)
    codes: set[str] = field(default_factory=lambda: {"the-code"})

    async def configuration(self, _request: web.Request) -> web.Response:
        return web.json_response(
            {
                "issuer": self.url,
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
                "jwks_uri": f"{self.url}/jwks",
                **self.discovery,
            }
        )

    async def jwks(self, _request: web.Request) -> web.Response:
        return web.json_response(KeySet([self.key]).as_dict(private=False))

    async def token(self, request: web.Request) -> web.Response:
        form = await request.post()
        verifier = str(form["code_verifier"])
        proven = b64u(hashlib.sha256(verifier.encode()).digest()) == self.challenge
        if form["code"] not in self.codes or not proven or form["client_secret"] != "s3cret":
            return web.json_response({"error": "invalid_grant"}, status=400)
        self.codes.discard(str(form["code"]))
        claims = {
            "iss": self.url,
            "aud": "xinlian",
            "sub": "u-1",
            "iat": NOW,
            "exp": NOW + 300,
            "nonce": self.nonce,
            "id_number": ID_NUMBER,
            **self.claims,
        }
        kept = {name: value for name, value in claims.items() if value is not None}
        signed = jwt.encode(self.header, kept, self.signs_with or self.key, algorithms=["ES256", "HS256", "none"])
        return web.json_response({"access_token": "a", "token_type": "Bearer", "id_token": signed})

    def goes(self, url: str) -> str:
        """The person follows the address; gives the state."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        assert (query["response_type"], query["client_id"], query["code_challenge_method"]) == ("code", "xinlian", "S256")
        assert query["redirect_uri"] == "https://portal.example/back"
        self.challenge, self.nonce = query["code_challenge"], query["nonce"]
        return query["state"]


@asynccontextmanager
async def provider() -> AsyncIterator[FakeProvider]:
    fake, app = FakeProvider(), web.Application()
    app.router.add_get("/.well-known/openid-configuration", fake.configuration)
    app.router.add_get("/jwks", fake.jwks)
    app.router.add_post("/token", fake.token)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    fake.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield fake
    finally:
        await runner.cleanup()


def logins(fake: FakeProvider, *, development: bool = True, now: float = NOW) -> OidcLogins:
    settings = Provider(fake.url, "xinlian", "s3cret", "https://portal.example/back", "id_number")
    return OidcLogins(settings, lambda: now, 5.0, development=development)


async def test_a_person_is_verified() -> None:
    async with provider() as fake:
        adapter = logins(fake)
        begun = await adapter.begin()
        assert fake.goes(begun.url) == begun.id
        found = await adapter.finish(begun.id, "the-code")
        assert (found.subject.value, found.login.issuer, found.login.method) == (ID_NUMBER, fake.url, "oidc")
        assert ID_NUMBER not in repr(found)
        with pytest.raises(RefusedError) as again:
            await adapter.finish(begun.id, "the-code")
        assert again.value.code == "login-unknown"


@pytest.mark.parametrize(
    ("claims", "name"),
    [
        ({"iss": "https://elsewhere.example"}, "issuer"),
        ({"aud": "another"}, "audience"),
        ({"nonce": "another"}, "nonce"),
        ({"nonce": None}, "no nonce"),
        ({"exp": NOW - 3_600}, "over"),
        ({"exp": None}, "without an end"),
        ({"iat": NOW + 3_600}, "of the future"),
        ({"id_number": None}, "no ID number"),
        ({"id_number": "411599199001010015"}, "a wrong check digit"),
        ({"id_number": 411599199001010014}, "a number"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_a_token_that_does_not_hold_is_refused(claims: dict[str, Any], name: str) -> None:
    async with provider() as fake:
        adapter, fake.claims = logins(fake), claims
        begun = await adapter.begin()
        fake.goes(begun.url)
        with pytest.raises(RefusedError) as caught:
            await adapter.finish(begun.id, "the-code")
        assert caught.value.code == "login-refused", name
        assert ID_NUMBER not in caught.value.message


async def test_a_signature_that_is_not_the_providers_is_refused() -> None:
    """Another key under the same id; a shared secret; no signature at all."""
    async with provider() as fake:
        shared = OctKey.import_key(b"x" * 32)
        lies: list[tuple[Any, dict[str, Any]]] = [
            (ECKey.generate_key("P-256", {"kid": "k1"}), {"alg": "ES256", "kid": "k1"}),
            (shared, {"alg": "HS256", "kid": "k1"}),
            (shared, {"alg": "none"}),
        ]
        for key, header in lies:
            fake.signs_with, fake.header, fake.codes = key, header, {"the-code"}
            adapter = logins(fake)
            begun = await adapter.begin()
            fake.goes(begun.url)
            with pytest.raises(RefusedError) as caught:
                await adapter.finish(begun.id, "the-code")
            assert caught.value.code == "login-refused", header


async def test_codes_and_logins_count_once_and_for_ten_minutes() -> None:
    async with provider() as fake:
        adapter = logins(fake)
        begun = await adapter.begin()
        fake.goes(begun.url)
        for login_id, code, expected in ((begun.id, "guessed", "login-refused"), (begun.id, "the-code", "login-unknown")):
            with pytest.raises(RefusedError) as caught:
                await adapter.finish(login_id, code)
            assert caught.value.code == expected
    now = [float(NOW)]
    demo = DemoLogins(lambda: now[0])
    begun = await demo.begin()
    now[0] += 601
    with pytest.raises(RefusedError) as late:
        await demo.finish(begun.id, ID_NUMBER)
    assert late.value.code == "login-unknown"


async def test_a_provider_that_cannot_be_trusted_is_not_used() -> None:
    async with provider() as fake:
        with pytest.raises(PeerError) as plain:
            await logins(fake, development=False).begin()
        fake.discovery = {"issuer": "https://elsewhere.example"}
        with pytest.raises(PeerError) as other:
            await logins(fake).begin()
        fake.discovery = {"authorization_endpoint": "javascript:alert(1)"}
        with pytest.raises(PeerError) as odd:
            await logins(fake).begin()
        unreachable = logins(fake)
    with pytest.raises(PeerError) as gone:
        await unreachable.begin()
    assert {error.value.code for error in (plain, other, odd, gone)} == {"identity-provider"}


def settings(**changes: Any) -> Settings:
    values = {"department": "11411599MBDEM0015B", "data_dir": "d", "deployment": "m", "rpc_urls": ("http://127.0.0.1:1",)}
    return Settings(**(values | changes))


async def test_what_the_settings_say() -> None:
    assert isinstance(logins_of(settings(), lambda: 0.0), NoLogins)
    with pytest.raises(ConfigError) as none:
        await logins_of(settings(), lambda: 0.0).begin()
    assert none.value.code == "login-not-set-up"
    assert isinstance(logins_of(settings(demo_login=True, development=True), lambda: 0.0), DemoLogins)
    with pytest.raises(ValidationError, match="demo_login needs development"):
        settings(demo_login=True)
    with pytest.raises(ValidationError, match="go together"):
        settings(oidc_issuer="https://id.example")
    whole = {"oidc_issuer": "https://id.example", "oidc_client_id": "c", "oidc_redirect_uri": "https://p.example"}
    assert isinstance(logins_of(settings(**whole), lambda: 0.0), OidcLogins)
