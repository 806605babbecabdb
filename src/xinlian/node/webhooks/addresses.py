"""Where webhooks may go: never to an address that nobody allowed.

Rules
1. Only hosts of the setting ``webhook_allowed_hosts``; without the setting there are no webhooks. Only https outside development.
2. An address holds no user, no password and no fragment.
3. The name is resolved once per attempt and the connection goes to an address that was looked at (no second lookup that could
   answer otherwise): never to the machine itself (outside development), to link-local addresses (cloud metadata), multicast
   or unspecified ones.

Source: Standard Webhooks, "Server side request forgery"; OWASP SSRF prevention.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Sequence
from urllib.parse import SplitResult, urlsplit

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

from xinlian.protocol.errors import InputError, PeerError

MAX_URL = 500


class Addresses:
    """Decides where to.

    Args:
        allowed_hosts: host names or addresses, each with an optional ``:port``.
        development: allows plain http and this very machine.
    """

    def __init__(self, allowed_hosts: Sequence[str], *, development: bool) -> None:
        self._allowed = frozenset(host.lower() for host in allowed_hosts)
        self._development = development

    def check_url(self, url: str) -> str:
        """An address that may be called; the host is given back.

        Raises:
            InputError: ``webhook-url`` when it is none, ``webhook-host`` when its host is not allowed; neither repeats it.
        """
        parts = self._parts(url)
        host = (parts.hostname or "").lower()
        with_port = f"{host}:{parts.port or (443 if parts.scheme == 'https' else 80)}"
        if host not in self._allowed and with_port not in self._allowed:
            raise InputError("webhook-host", "the host of this address is not in webhook_allowed_hosts", field="url")
        if _is_literal(host) and not self.is_reachable(host):
            raise InputError("webhook-host", "this address is not one that webhooks may go to", field="url")
        return host

    def _parts(self, url: str) -> SplitResult:
        schemes = ("https", "http") if self._development else ("https",)
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise _wrong(schemes) from error
        is_clean = url.isascii() and url.isprintable() and " " not in url and len(url) <= MAX_URL and port != 0
        has_extras = parts.username is not None or parts.password is not None or parts.fragment
        if not is_clean or has_extras or parts.scheme not in schemes or not parts.hostname:
            raise _wrong(schemes)
        return parts

    def is_reachable(self, address: str) -> bool:
        """Whether an IP address may be connected to."""
        found = ipaddress.ip_address(address.partition("%")[0])
        mapped = getattr(found, "ipv4_mapped", None)
        one = found if mapped is None else mapped
        if one.is_link_local or one.is_multicast or one.is_unspecified or (one.is_reserved and not one.is_loopback):
            return False
        return self._development or not one.is_loopback

    def resolver(self) -> AbstractResolver:
        """A resolver that gives only addresses that may be connected to."""
        return _Checked(self)


class _Checked(AbstractResolver):
    """Resolves a name and leaves out what may not be connected to."""

    def __init__(self, addresses: Addresses) -> None:
        self._addresses = addresses
        self._inner = ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AddressFamily.AF_INET
    ) -> list[ResolveResult]:
        """The addresses of a name.

        Raises:
            PeerError: ``webhook-address`` when none of them may be connected to.
        """
        found = await self._inner.resolve(host, port, family)
        good = [one for one in found if self._addresses.is_reachable(one["host"])]
        if not good:
            raise PeerError("webhook-address", "the name of a webhook leads to an address that webhooks may not go to")
        return good

    async def close(self) -> None:
        """Nothing is held open."""
        await self._inner.close()


def _is_literal(host: str) -> bool:
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


def _wrong(schemes: Sequence[str]) -> InputError:
    expected = f"an address with {' or '.join(schemes)}, a host, without user, password or fragment, up to {MAX_URL} characters"
    return InputError("webhook-url", f"url: expected {expected}", field="url", expected=expected)
