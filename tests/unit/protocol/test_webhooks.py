"""Standard Webhooks: the reference libraries' own vector, rotation, the form of secrets."""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64decode, b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xinlian.protocol.errors import InputError
from xinlian.protocol.webhooks import parse_secret, secret_text, signed_headers

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def test_the_vector_of_the_reference_libraries() -> None:
    headers = signed_headers("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, b'{"test": 2432232314}', [parse_secret(SECRET)])
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


@given(st.binary(max_size=200), st.lists(st.binary(min_size=24, max_size=64), min_size=1, max_size=2, unique=True))
def test_every_secret_signs_id_time_and_body(body: bytes, keys: list[bytes]) -> None:
    headers = signed_headers("msg_1", 5, body, keys)
    signatures = headers["webhook-signature"].split(" ")
    assert len(signatures) == len(keys)
    for key, signature in zip(keys, signatures, strict=True):
        version, _, text = signature.partition(",")
        assert version == "v1"
        assert b64decode(text) == hmac.new(key, b"msg_1.5." + body, hashlib.sha256).digest()


@given(st.binary(min_size=24, max_size=64))
def test_a_secret_is_read_as_it_is_written(key: bytes) -> None:
    assert parse_secret(secret_text(key)) == key


@pytest.mark.parametrize(
    "text",
    [
        "",
        "whsec_",
        SECRET.removeprefix("whsec_"),
        "whsec_" + b64encode(bytes(23)).decode(),
        "whsec_" + b64encode(bytes(65)).decode(),
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa-_",
        "whsec_密",
        SECRET + "\n",
    ],
)
def test_what_is_no_secret_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_secret(text)
    assert caught.value.code == "webhook-secret"
    assert len(text) < 8 or text not in caught.value.message
