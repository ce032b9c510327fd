"""Small programs: certificates, JSON, users, the cluster's address."""

import io
import json
import stat
from collections.abc import Mapping
from pathlib import Path

import pytest

from pyganeti.kit.tls import make_ca
from pyganeti.tools import check_cert_expired, fmtjson, master_ip_setup, users_setup

# --- check-cert-expired


@pytest.fixture
def certificates(tmp_path: Path) -> Path:
    """A certificate of 1990, and one of these days."""
    (tmp_path / "old.pem").write_bytes(make_ca("cluster", 631152000.0).certificate)
    (tmp_path / "new.pem").write_bytes(make_ca("cluster", 1_790_000_000.0).certificate)
    (tmp_path / "none.pem").write_text("no certificate\n")
    return tmp_path


@pytest.mark.parametrize(("name", "code"), [("old", 0), ("new", 1), ("none", 1), ("missing", 1)])
def test_expired(certificates: Path, name: str, code: int) -> None:
    assert check_cert_expired.main([str(certificates / f"{name}.pem")]) == code


def test_what_cannot_be_read_is_told(
    certificates: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, text in (("none", "no certificate"), ("missing", "No such file")):
        check_cert_expired.main([str(certificates / f"{name}.pem")])
        assert text in capsys.readouterr().err
    assert check_cert_expired.main([]) == 1
    assert check_cert_expired.main(["a", "b"]) == 1
    assert "usage" in capsys.readouterr().err


# --- fmtjson


class Input(io.TextIOWrapper):
    """Standard input that holds ``data``."""

    def __init__(self, data: bytes) -> None:
        super().__init__(io.BytesIO(data))


def test_json_is_ordered_and_indented(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", Input('{"b":[1,{"c":null}],"a":"ä"}'.encode()))
    assert fmtjson.main([]) == 0
    lines = ["{", '  "a": "\\u00e4",', '  "b": [', "    1,", "    {", '      "c": null']
    assert capsys.readouterr().out.splitlines()[:6] == lines


@pytest.mark.parametrize("data", [b"", b"{", b"\xff\xfe", b"[" * 100000])
def test_what_is_no_json(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], data: bytes
) -> None:
    monkeypatch.setattr("sys.stdin", Input(data))
    assert fmtjson.main([]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("fmtjson: ")
    assert fmtjson.main(["--help"]) == 1


# --- users-setup


def texts(groups: set[str], users: set[str], members: dict[str, set[str]]) -> list[str]:
    return [step.text for step in users_setup.steps(groups, users, members)]


def test_a_machine_without_any() -> None:
    found = texts(set(), set(), {})
    assert len([text for text in found if text.startswith("add group")]) == 7
    assert "add user gnt-masterd with primary group gnt-masterd" in found
    assert "add user gnt-masterd to group gnt-confd" in found
    # A user's groups come before it.
    assert found.index("add group gnt-rapi") < found.index(
        "add user gnt-rapi with primary group gnt-rapi"
    )


def test_a_machine_with_all_of_them() -> None:
    members: dict[str, set[str]] = {}
    for user in users_setup.USERS:
        for group in user.groups:
            members.setdefault(group, set()).add(user.name)
    users = {user.name for user in users_setup.USERS}
    assert texts(set(users_setup.GROUPS), users, members) == []
    members["gnt-daemons"].remove("gnt-rapi")
    found = texts(set(users_setup.GROUPS), users, members)
    assert found == ["add user gnt-rapi to group gnt-daemons"]


def test_nobody_is_added_without_a_yes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    step = next(users_setup.steps(set(), set(), {}))
    monkeypatch.setattr(users_setup, "missing", lambda: [step])
    monkeypatch.setattr("sys.stdin", io.StringIO("no\n"))
    assert users_setup.main([]) == 1
    said = capsys.readouterr()
    assert "+ will add group gnt-admin" in said.out
    assert "Aborted" in said.err


# --- master-ip-setup

MASTER = {
    "MASTER_NETDEV": "eth0",
    "MASTER_IP": "192.0.2.1",
    "MASTER_NETMASK": "32",
    "CLUSTER_IP_VERSION": "4",
}


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stands for ``ip`` and ``arping``: writes down how it was called."""
    calls = tmp_path / "calls"
    for name, code in (("ip", 0), ("arping", 1)):
        path = tmp_path / name
        path.write_text(f'#!/bin/sh\necho "{name} $*" >> {calls}\nexit {code}\n')
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return calls


def test_the_address_is_configured_and_announced(
    program: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in MASTER.items():
        monkeypatch.setenv(name, value)
    assert master_ip_setup.main(["start"]) == 0
    assert program.read_text().splitlines() == [
        "ip address add 192.0.2.1/32 dev eth0 label eth0:0",
        "arping -q -U -c 3 -I eth0 192.0.2.1",
    ]


def test_the_address_is_removed(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**MASTER, "MASTER_IP": "2001:db8::1", "MASTER_NETMASK": "128"}.items():
        monkeypatch.setenv(name, value)
    assert master_ip_setup.main(["stop"]) == 0
    assert program.read_text() == "ip address del 2001:db8::1/128 dev eth0\n"


@pytest.mark.parametrize(
    "change",
    [
        {"MASTER_NETMASK": "33"},
        {"MASTER_NETMASK": "-1"},
        {"MASTER_NETMASK": "255.255.255.0"},
        {"MASTER_IP": "nonsense"},
        {"MASTER_NETDEV": ""},
        {"MASTER_NETDEV": "-batch"},
    ],
)
def test_nonsense_configures_nothing(
    program: Path, monkeypatch: pytest.MonkeyPatch, change: Mapping[str, str]
) -> None:
    for name, value in {**MASTER, **change}.items():
        monkeypatch.setenv(name, value)
    assert master_ip_setup.main(["start"]) == 1
    assert not program.exists()


def test_an_incomplete_environment_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in MASTER:
        monkeypatch.delenv(name, raising=False)
    assert master_ip_setup.main(["start"]) == 1
    assert "MASTER_NETDEV, MASTER_IP, MASTER_NETMASK" in capsys.readouterr().err
    assert master_ip_setup.main(["restart"]) == 1


def test_everything_printed_by_fmtjson_is_json(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data = (Path(__file__).parents[2] / "spec" / "tools.json").read_bytes()
    monkeypatch.setattr("sys.stdin", Input(data))
    assert fmtjson.main([]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads(data)
