"""Datagrams of confd: what is signed can be read, and nothing else."""

import hashlib
import hmac
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyganeti.wire.confd.datagram import MAX_BYTES, ConfdError, check_time, seal, unseal

KEY = b"00112233\n"
TEXT = '{"protocol":1,"type":0,"query":null,"rsalt":"a"}'


def sealed(**changes: object) -> bytes:
    """A datagram as somebody else makes it, with some parts changed after it was signed."""
    signature = hmac.new(KEY, ("7" + TEXT).encode(), hashlib.sha1).hexdigest()
    return b"plj0" + json.dumps({"msg": TEXT, "salt": "7", "hmac": signature, **changes}).encode()


def test_what_others_sign_is_read() -> None:
    assert unseal(KEY, sealed()) == (TEXT.encode(), "7")


def test_what_is_signed_here_is_what_others_sign() -> None:
    ours = seal(KEY, TEXT.encode(), "7")
    assert ours[:4] == b"plj0"
    assert json.loads(ours[4:]) == json.loads(sealed()[4:])


@given(st.text(st.characters(codec="utf-8")), st.text(st.characters(codec="utf-8"), max_size=20))
def test_what_is_signed_comes_back(text: str, salt: str) -> None:
    message = json.dumps(text, ensure_ascii=False).encode()
    assert unseal(KEY, seal(KEY, message, salt)) == (message, salt)


@pytest.mark.parametrize(
    "datagram",
    [
        sealed(salt="8"),
        sealed(msg=TEXT.replace("0", "1")),
        sealed(hmac=""),
        sealed(hmac="ä" * 40),
        sealed(hmac=None),
        sealed(more=1),
        sealed()[4:],
        b"plj1" + sealed()[4:],
        b"",
        b"plj0",
        b"plj0{}",
        b"plj0[1]",
        b"plj0\xff\xfe",
        b"plj0" + b"[" * 60000,
        sealed(msg="\ud800"),
    ],
)
def test_anything_else_is_refused(datagram: bytes) -> None:
    with pytest.raises(ConfdError):
        unseal(KEY, datagram)


def test_another_key_is_refused() -> None:
    with pytest.raises(ConfdError, match="signature"):
        unseal(KEY.strip(), sealed())


def test_a_signed_message_may_not_be_nested_without_end() -> None:
    with pytest.raises(ConfdError, match="nested"):
        unseal(KEY, seal(KEY, b"[" * 20000 + b"]" * 20000, "7"))


@given(st.binary(max_size=200))
def test_no_bytes_do_harm(tail: bytes) -> None:
    with pytest.raises(ConfdError):
        unseal(KEY, b"plj0" + tail)


def test_what_does_not_fit_is_not_made() -> None:
    with pytest.raises(ConfdError, match=f"do not fit into a datagram of {MAX_BYTES}"):
        seal(KEY, b'"' + b"x" * MAX_BYTES + b'"', "7")


@pytest.mark.parametrize("salt", ["1000000", "999700", "1000300"])
def test_questions_of_now_are_taken(salt: str) -> None:
    check_time(salt, 1_000_000.0)


@pytest.mark.parametrize(
    "salt",
    ["999699", "1000301", "-1000000", "1e6", "1000000.0", "", " 1000000", "x", "¹", "9" * 5000],
)
def test_questions_of_other_times_are_not(salt: str) -> None:
    with pytest.raises(ConfdError):
        check_time(salt, 1_000_000.0)
