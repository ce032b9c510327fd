"""Command line of move-instance."""

import pytest

from pyganeti.tools.move_instance.options import RAPI_PORT, parameters, parse

BASIC = ("here", "there", "i1")


def test_the_destination_takes_after_the_source() -> None:
    words = ("--src-username=u", "--src-password-file=p", "--src-rapi-port=1234")
    found = parse([*words, "--src-ca-file=c", *BASIC])
    assert (found.dest_username, found.dest_password_file) == ("u", "p")
    assert (found.dest_rapi_port, found.dest_ca_file) == (1234, "c")
    assert parse(BASIC).dest_rapi_port == RAPI_PORT


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", {}),
        ("a=1,no_b,-c,d", {"a": "1", "b": False, "c": None, "d": True}),
        (r"a=1\,2,b=", {"a": "1,2", "b": ""}),
    ],
)
def test_parameters(text: str, found: dict[str, object]) -> None:
    assert parameters(text) == found


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("i1",), "named twice"),
        (("i2", "--dest-instance-name=x"), "for one instance"),
        (("i2", "--net=0:mac=generate"), "for one instance"),
        (("-I", "hail", "--dest-primary-node=n"), "exclude"),
        (("--dest-secondary-node=n",), "needs --dest-primary-node"),
        (("--parallel=0",), "at least one"),
        (("--opportunistic-delay=3",), "needs --opportunistic-tries"),
        (("--opportunistic-tries=3", "--dest-primary-node=n"), "allocator"),
        (("--src-username=u",), "go together"),
        (("--src-rapi-port=65536",), "no port"),
        (("-O", "a=secret,a=secret"), "given twice"),
        (("--net=x:mac=generate",), "a NIC is"),
    ],
)
def test_what_is_wrong_is_refused(
    words: tuple[str, ...], why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        parse([*BASIC, *words])
    said = capsys.readouterr().err
    assert ended.value.code == 2
    assert why in said
    assert "secret" not in said
