"""Whose address a call comes from, also behind a reverse proxy (rate limits count by it).

Rules
1. Without ``trusted_proxies`` it is the address of the connection; header fields of strangers count for nothing.
2. From a trusted proxy it is the rightmost hop of ``Forwarded`` or ``X-Forwarded-For`` that is no trusted proxy itself: what
   stands left of it was written by strangers. A hop that names no address (``unknown``, ``_hidden``) ends the walk at the
   proxy that reported it.
3. A proxy writes one of the two fields and may pass the other one on as a stranger wrote it. When they do not agree, nobody
   knows which is the proxy's, and the address is the proxy's own.
4. An IPv6 caller is its /64 network: whoever has one has all of its addresses.

Example: ``caller_of(request, settings.trusted_proxies)``

Source: RFC 7239; RFC 4291 §2.5.4.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from starlette.requests import Request

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

UNKNOWN = "unknown"
_ELEMENT = re.compile(r'(?:[^",]|"(?:[^"\\]|\\.)*")+')
_FOR = re.compile(r'(?:^|;)\s*for\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^";,\s]+))\s*(?=;|$)', re.IGNORECASE)
_PORT = re.compile(r"(\[[^\]]*\]|[0-9.]+):[0-9]{1,5}")
_MAX_HOPS = 50
_IPV6_PREFIX = 64


def caller_of(request: Request, trusted: Sequence[Network]) -> str:
    """The address a call is counted under."""
    peer = _address(request.client.host) if request.client is not None else None
    if peer is None:
        return UNKNOWN
    if not _is_in(peer, trusted):
        return _counted(peer)
    fields = [
        _forwarded(request.headers.getlist("forwarded")),
        _x_forwarded_for(request.headers.getlist("x-forwarded-for")),
    ]
    found = {_walk(peer, hops[-_MAX_HOPS:], trusted) for hops in fields if hops}
    return _counted(found.pop() if len(found) == 1 else peer)


def _walk(peer: Address, hops: Sequence[Address | None], trusted: Sequence[Network]) -> Address:
    """From the connection leftwards, to the first hop that is no trusted proxy."""
    current = peer
    for hop in reversed(hops):
        if hop is None:
            return current
        current = hop
        if not _is_in(current, trusted):
            return current
    return current


def _forwarded(values: Sequence[str]) -> list[Address | None]:
    """The hops of ``Forwarded``, leftmost first; None for one that names no address."""
    hops: list[Address | None] = []
    for element in _ELEMENT.findall(",".join(values)):
        found = _FOR.search(element.strip())
        hops.append(None if found is None else _address(re.sub(r"\\(.)", r"\1", found[1] or found[2] or "")))
    return hops


def _x_forwarded_for(values: Sequence[str]) -> list[Address | None]:
    """The hops of ``X-Forwarded-For``, leftmost first; None for one that names no address."""
    return [_address(part) for part in ",".join(values).split(",")] if values else []


def _address(text: str) -> Address | None:
    """An address out of ``1.2.3.4``, ``1.2.3.4:80``, ``::1``, ``[::1]`` or ``[::1]:80``; None when it is none."""
    plain = text.strip()
    with_port = _PORT.fullmatch(plain)
    try:
        found = ip_address((with_port[1] if with_port else plain).removeprefix("[").removesuffix("]").partition("%")[0])
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return found if mapped is None else mapped


def _is_in(address: Address, networks: Sequence[Network]) -> bool:
    return any(address in network for network in networks)


def _counted(address: Address) -> str:
    if isinstance(address, IPv4Address):
        return str(address)
    return str(IPv6Network((address, _IPV6_PREFIX), strict=False))
