"""Where webhooks may go: an allow list, https, and no address of the machine itself or of a cloud's metadata."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from xinlian.node.webhooks import Addresses
from xinlian.protocol.errors import InputError, PeerError

ALLOWED = ("oa.example.gov.cn", "Hooks.example:8443", "10.1.2.3", "169.254.169.254", "127.0.0.1", "::1")


def addresses(*, development: bool = False) -> Addresses:
    return Addresses(ALLOWED, development=development)


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://oa.example.gov.cn/hooks?token=x", "oa.example.gov.cn"),
        ("https://OA.example.gov.cn:9443/", "oa.example.gov.cn"),
        ("https://hooks.example:8443/a", "hooks.example"),
        ("https://10.1.2.3/", "10.1.2.3"),
    ],
)
def test_an_allowed_host(url: str, host: str) -> None:
    assert addresses().check_url(url) == host


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://oa.example.gov.cn/", "webhook-url"),
        ("ftp://oa.example.gov.cn/", "webhook-url"),
        ("https:///hooks", "webhook-url"),
        ("https://user@oa.example.gov.cn/", "webhook-url"),
        ("https://user:secret@oa.example.gov.cn/", "webhook-url"),
        ("https://oa.example.gov.cn/#x", "webhook-url"),
        ("https://oa.example.gov.cn:0/", "webhook-url"),
        ("https://oa.example.gov.cn:99999/", "webhook-url"),
        ("https://oa.example.gov.cn/ x", "webhook-url"),
        ("https://oa.example.gov.cn/\n", "webhook-url"),
        ("https://测试.example/", "webhook-url"),
        ("https://oa.example.gov.cn/" + "x" * 500, "webhook-url"),
        ("oa.example.gov.cn", "webhook-url"),
        ("https://evil.example/", "webhook-host"),
        ("https://oa.example.gov.cn.evil.example/", "webhook-host"),
        ("https://evil.example\\@oa.example.gov.cn/", "webhook-url"),
        ("https://hooks.example/", "webhook-host"),
        ("https://hooks.example:443/", "webhook-host"),
        ("https://169.254.169.254/latest/meta-data", "webhook-host"),
        ("https://127.0.0.1/", "webhook-host"),
        ("https://[::1]/", "webhook-host"),
    ],
)
def test_everything_else_is_refused_and_not_repeated(url: str, code: str) -> None:
    with pytest.raises(InputError) as caught:
        addresses().check_url(url)
    assert caught.value.code == code
    assert url not in caught.value.message + repr(caught.value.fields)


def test_without_the_setting_there_are_no_webhooks() -> None:
    with pytest.raises(InputError) as caught:
        Addresses((), development=True).check_url("http://127.0.0.1/")
    assert caught.value.code == "webhook-host"


def test_development_allows_plain_http_and_this_machine_but_no_metadata() -> None:
    assert addresses(development=True).check_url("http://127.0.0.1:8080/x") == "127.0.0.1"
    with pytest.raises(InputError) as caught:
        addresses(development=True).check_url("http://169.254.169.254/")
    assert caught.value.code == "webhook-host"


@pytest.mark.parametrize(
    ("address", "outside", "in_development"),
    [
        ("93.184.216.34", True, True),
        ("10.1.2.3", True, True),
        ("192.168.1.1", True, True),
        ("2001:db8::1", True, True),
        ("127.0.0.1", False, True),
        ("127.8.8.8", False, True),
        ("::1", False, True),
        ("::ffff:127.0.0.1", False, True),
        ("::ffff:169.254.169.254", False, False),
        ("169.254.169.254", False, False),
        ("fe80::1%eth0", False, False),
        ("0.0.0.0", False, False),
        ("::", False, False),
        ("224.0.0.1", False, False),
        ("ff02::1", False, False),
        ("240.0.0.1", False, False),
    ],
)
def test_addresses_that_may_be_connected_to(address: str, outside: bool, in_development: bool) -> None:
    assert addresses().is_reachable(address) is outside
    assert addresses(development=True).is_reachable(address) is in_development


async def resolved(*found: str) -> list[str]:
    resolver = addresses().resolver()

    class Told:
        async def resolve(self, host: str, port: int, family: socket.AddressFamily) -> list[dict[str, Any]]:
            return [{"hostname": host, "host": one, "port": port, "family": family, "proto": 0, "flags": 0} for one in found]

        async def close(self) -> None:
            return None

    resolver._inner = Told()  # type: ignore[attr-defined]
    try:
        return [one["host"] for one in await resolver.resolve("oa.example.gov.cn", 443)]
    finally:
        await resolver.close()


async def test_a_name_is_followed_only_to_addresses_that_may_be_connected_to() -> None:
    """The connection goes to what was looked at here: there is no second lookup that could answer otherwise."""
    assert await resolved("10.1.2.3", "169.254.169.254", "127.0.0.1") == ["10.1.2.3"]
    with pytest.raises(PeerError) as caught:
        await resolved("127.0.0.1", "::1")
    assert caught.value.code == "webhook-address"
