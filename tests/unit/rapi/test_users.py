"""The file of users."""

import hashlib
import logging

import pytest

from pyganeti.rapi.users import REALM, Option, admit, parse_users

WRITE = frozenset({Option.WRITE})
EITHER = frozenset({Option.READ, Option.WRITE})


def ha1(name: str, password: str) -> str:
    return hashlib.md5(f"{name}:{REALM}:{password}".encode()).hexdigest()


FILE = f"""\
# jack may read, fred too
jack abc123
   fred\t{{ClearText}}foo555   read

auto {{cleartext}}{{odd}}pass write
jess {{HA1}}{ha1("jess", "sëcret")} read,write
"""


def test_passwords_of_all_kinds() -> None:
    users = parse_users(FILE)
    assert sorted(users) == ["auto", "fred", "jack", "jess"]
    for name, password in (
        ("jack", "abc123"), ("fred", "foo555"), ("auto", "{odd}pass"), ("jess", "sëcret"),
    ):  # fmt: skip
        assert admit(users, name, password) is users[name]
        for wrong in (
            "",
            password + "x",
            password[:-1],
            password.upper(),
            f"{{cleartext}}{password}",
        ):
            assert admit(users, name, wrong) is None
    assert admit(users, "nobody", "") is None
    assert admit(users, "", "") is None
    assert admit({}, "jack", "abc123") is None


def test_options() -> None:
    users = parse_users(FILE)
    may = {name: (users[name].may(EITHER), users[name].may(WRITE)) for name in users}
    assert may == {
        "jack": (False, False),
        "fred": (True, False),
        "auto": (True, True),
        "jess": (True, True),
    }
    assert all(user.may(frozenset()) for user in users.values())


def test_the_last_line_of_a_name_counts() -> None:
    users = parse_users("a one write\na two\n")
    assert admit(users, "a", "one") is None
    assert admit(users, "a", "two") is users["a"]
    assert not users["a"].may(WRITE)


@pytest.mark.parametrize(
    "line",
    [
        "name", "name secret write more", "name {md5}secret", "name {ha1}secret",
        "name {ha1}abcd", "name {secret", "name {ha1", "name {HA1}" + "z" * 32,
    ],
)  # fmt: skip
def test_a_line_that_says_nothing_sensible_is_named_and_not_shown(
    line: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        users = parse_users(f"a one\n{line}\nb two\n")
    assert sorted(users) == ["a", "b"]
    assert "line 2" in caplog.text
    assert "secret" not in caplog.text


def test_a_user_shows_no_password() -> None:
    users = parse_users(FILE)
    assert "abc123" not in repr(users)
    assert users["jess"].digest.hex() not in repr(users)
