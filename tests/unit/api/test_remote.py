"""Whom a call comes from: the connection, unless a trusted proxy says otherwise; strangers' words count for nothing."""

from __future__ import annotations

from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from xinlian.api.remote import UNKNOWN, caller_of

PROXIES = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))


def caller(peer: str | None, headers: list[tuple[str, str]], *, trusted: bool = True) -> str:
    scope = {
        "type": "http",
        "client": None if peer is None else (peer, 4711),
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in headers],
    }
    return caller_of(Request(scope), PROXIES if trusted else ())


XFF, FWD = "X-Forwarded-For", "Forwarded"


@pytest.mark.parametrize(
    ("peer", "headers", "expected"),
    [
        # no proxy: what a stranger writes counts for nothing
        ("203.0.113.9", [(XFF, "1.1.1.1")], "203.0.113.9"),
        ("203.0.113.9", [(FWD, "for=1.1.1.1")], "203.0.113.9"),
        ("2001:db8::5", [(XFF, "1.1.1.1")], "2001:db8::/64"),
        # one trusted proxy, which appends
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", [(XFF, "203.0.113.9")], "203.0.113.9"),
        ("10.0.0.1", [(XFF, "1.1.1.1, 203.0.113.9")], "203.0.113.9"),
        ("10.0.0.1", [(XFF, "1.1.1.1"), (XFF, "203.0.113.9")], "203.0.113.9"),
        ("10.0.0.1", [(FWD, "for=1.1.1.1, for=203.0.113.9;proto=https;by=10.0.0.1")], "203.0.113.9"),
        ("10.0.0.1", [(FWD, 'FOR = "203.0.113.9:4711"')], "203.0.113.9"),
        ("10.0.0.1", [(FWD, 'proto=https; for="[2001:db8:0:1::7]:4711"')], "2001:db8:0:1::/64"),
        ("10.0.0.1", [(XFF, "[2001:db8::1]:80")], "2001:db8::/64"),
        ("10.0.0.1", [(XFF, "2001:db8::1")], "2001:db8::/64"),
        ("10.0.0.1", [(XFF, "::ffff:203.0.113.9")], "203.0.113.9"),
        ("::ffff:10.0.0.1", [(XFF, "203.0.113.9:80")], "203.0.113.9"),
        ("fd00::1", [(XFF, "203.0.113.9")], "203.0.113.9"),
        # several proxies: the rightmost hop that is none of them
        ("10.0.0.1", [(XFF, "1.1.1.1, 203.0.113.9, 10.0.0.7")], "203.0.113.9"),
        ("10.0.0.1", [(XFF, "10.0.0.8, 10.0.0.7")], "10.0.0.8"),
        # hops that name no address: the proxy that reported them
        ("10.0.0.1", [(XFF, "203.0.113.9, nonsense")], "10.0.0.1"),
        ("10.0.0.1", [(XFF, "")], "10.0.0.1"),
        ("10.0.0.1", [(FWD, "for=unknown")], "10.0.0.1"),
        ("10.0.0.1", [(FWD, "for=_hidden, for=10.0.0.7")], "10.0.0.7"),
        ("10.0.0.1", [(FWD, "proto=https")], "10.0.0.1"),
        ("10.0.0.1", [(FWD, 'for="1.1.1.1, for=203.0.113.9"')], "10.0.0.1"),
        # both fields: they agree, or nobody is believed
        ("10.0.0.1", [(XFF, "203.0.113.9"), (FWD, "for=203.0.113.9")], "203.0.113.9"),
        ("10.0.0.1", [(XFF, "203.0.113.9"), (FWD, "for=1.1.1.1")], "10.0.0.1"),
        # no address at all
        (None, [(XFF, "203.0.113.9")], UNKNOWN),
        ("testclient", [], UNKNOWN),
    ],
)
def test_whose_address_it_is(peer: str | None, headers: list[tuple[str, str]], expected: str) -> None:
    assert caller(peer, headers) == expected


def test_nobody_is_trusted_by_default() -> None:
    assert caller("10.0.0.1", [(XFF, "203.0.113.9")], trusted=False) == "10.0.0.1"


WRITTEN = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40)


@given(WRITTEN)
def test_whatever_a_stranger_writes_the_proxy_s_word_counts(written: str) -> None:
    """A proxy appends the address it sees to what is there; the caller behind it cannot be somebody else."""
    appended = f"{written}, 203.0.113.9" if written else "203.0.113.9"
    assert caller("10.0.0.1", [(XFF, appended)]) == "203.0.113.9"


@given(WRITTEN)
def test_a_field_that_the_proxy_passes_on_cannot_choose_the_address(written: str) -> None:
    """The proxy writes X-Forwarded-For only; a stranger's Forwarded can at most put the call into the proxy's own count."""
    found = caller("10.0.0.1", [(FWD, written), (XFF, "203.0.113.9")])
    assert found in ("203.0.113.9", "10.0.0.1")


OWN = st.sampled_from(['for="203.0.113.9:4711";by="10.0.0.1"', "for=203.0.113.9"])


@given(st.one_of(WRITTEN, st.text('for="=1.;,[]:\\ ', max_size=40)), OWN)
def test_neither_can_an_element_before_the_proxy_s_own(written: str, own: str) -> None:
    """Also with quotation marks that are never closed."""
    assert caller("10.0.0.1", [(FWD, f"{written}, {own}")]) in ("203.0.113.9", "10.0.0.1")
