"""gnt-cluster renew-crypto: what it is given is checked whole before anything is written."""

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization

from pyganeti.kit import tls
from pyganeti.kit.clock import now
from pyganeti.model.errors import NoMasterError

from .fake_master import FakeMaster, Job, Ran, Terminal, refusal
from .fake_master import run as run_line

NAME = "cluster.example.com"
CA = tls.make_ca(NAME, now())
GOOD = tls.issue_node_certificate(CA, NAME, "", now())
INFO = {"name": NAME, "modify_ssh_setup": True}
REDIST, RENEW = "OP_CLUSTER_REDIST_CONF", "OP_CLUSTER_RENEW_CRYPTO"
ALL = (
    "--new-cluster-certificate --new-node-certificates --new-rapi-certificate"
    " --new-spice-certificate --new-confd-hmac-key --new-cluster-domain-secret --new-ssh-keys"
)


class Node:
    """A virtual master with files of before."""

    def __init__(self, root: Path) -> None:
        self.root = root / "node1"
        self.data = self.root / "var/lib/ganeti"
        self.data.mkdir(parents=True)
        for name in ("rapi.pem", "hmac.key", "cluster-domain-secret"):
            (self.data / name).write_bytes(b"old")
        self.master = FakeMaster(answers={"QueryClusterInfo": INFO})

    def run(self, words: str, *files: str, terminal: Terminal | None = None) -> Ran:
        line = ["gnt-cluster", "renew-crypto", *words.split(), *files]
        env = {"GANETI_ROOTDIR": str(self.root)}
        return run_line(line, self.master, env=env, terminal=terminal)

    def files(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self.data.iterdir()}

    def changed(self, before: Mapping[str, bytes]) -> set[str]:
        return {name for name, content in self.files().items() if before.get(name) != content}


@pytest.fixture
def node(tmp_path: Path) -> Node:
    return Node(tmp_path)


@pytest.mark.parametrize(
    ("words", "files", "ops"),
    [
        ("--new-cluster-certificate", {"ca-next.pem"}, [RENEW]),
        ("--new-node-certificates", set(), [RENEW]),
        ("--new-rapi-certificate", {"rapi.pem"}, [REDIST]),
        ("--new-spice-certificate", {"spice.pem", "spice-ca.pem"}, [REDIST]),
        ("--new-confd-hmac-key", {"hmac.key"}, [REDIST]),
        ("--new-cluster-domain-secret", {"cluster-domain-secret"}, [REDIST]),
        ("--new-ssh-keys", set(), [RENEW]),
        ("--new-ssh-keys --new-confd-hmac-key", {"hmac.key"}, [REDIST, RENEW]),
        (ALL, {"ca-next.pem", "rapi.pem", "spice.pem", "spice-ca.pem", "hmac.key",
               "cluster-domain-secret"}, [RENEW]),
    ],
)  # fmt: skip
def test_each_kind_writes_its_files_and_lets_the_nodes_have_them(
    node: Node, words: str, files: set[str], ops: list[str]
) -> None:
    before = node.files()
    ran = node.run(f"-f {words}")
    assert ran.code == 0, ran.err
    assert node.changed(before) == files
    assert [one["OP_ID"] for one in node.master.ops] == ops
    modes = {stat.S_IMODE((node.data / name).stat().st_mode) & 0o007 for name in files}
    assert modes <= {0}


def test_the_job_holds_nothing_that_is_secret(node: Node) -> None:
    assert node.run(f"-f -v -d {ALL} --ssh-key-type rsa --ssh-key-bits 4096").code == 0
    (op,) = node.master.ops
    given = {key: op[key] for key in op.keys() - {"OP_ID", "reason", "debug_level"}}
    assert given == {
        "node_certificates": True,
        "renew_ssh_keys": True,
        "ssh_key_type": "rsa",
        "ssh_key_bits": 4096,
        "verbose": True,
        "debug": True,
    }


def test_new_certificates_hold(node: Node) -> None:
    assert node.run(f"-f {ALL}").code == 0
    for name, trusted in (("rapi.pem", "rapi.pem"), ("spice.pem", "spice-ca.pem")):
        own, ca = str(node.data / name), str(node.data / trusted)
        tls.introduce(tls.server_context(own, ca), tls.client_context(own, ca), NAME)
    secrets = [(node.data / name).read_text() for name in ("hmac.key", "cluster-domain-secret")]
    assert len(set(secrets)) == 2
    assert all(len(text.strip()) == 40 for text in secrets)
    assert b"PRIVATE" not in (node.data / "spice-ca.pem").read_bytes()


def test_an_interrupted_renewal_goes_on_with_the_same_authority(node: Node) -> None:
    node.master = FakeMaster(
        jobs=[Job("error", ["OpExecError", ["the master died"]])],
        answers={"QueryClusterInfo": INFO},
    )
    assert node.run("-f --new-cluster-certificate").code == 1
    before = node.files()
    assert node.run("-f --new-cluster-certificate").code == 0
    assert node.changed(before) == set()


def test_it_asks_first_and_takes_no_for_an_answer(node: Node) -> None:
    before = node.files()
    for terminal in (Terminal("n"), Terminal(), None):
        assert node.run(ALL, terminal=terminal).code != 0
    assert node.files() == before
    assert node.master.ops == []
    assert node.run("--new-confd-hmac-key", terminal=Terminal("y")).code == 0
    assert node.changed(before) == {"hmac.key"}


def test_without_a_master_nothing_is_written(node: Node) -> None:
    node.master = FakeMaster(answers={"QueryClusterInfo": NoMasterError("nobody listens")})
    before = node.files()
    assert node.run(f"-f {ALL}").code != 0
    assert node.files() == before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("", "what is to be renewed"),
        ("--no-ssh-key-check -v", "what is to be renewed"),
        ("--new-rapi-certificate --rapi-certificate x", "exclude each other"),
        ("--new-rapi-certificate --rapi-certificate=", "exclude each other"),
        ("--new-cluster-domain-secret --cluster-domain-secret x", "exclude each other"),
        ("--new-spice-certificate --spice-certificate x", "exclude each other"),
        ("--new-spice-certificate --spice-ca-certificate x", "exclude each other"),
        ("--spice-certificate x", "together"),
        ("--spice-ca-certificate x --new-confd-hmac-key", "together"),
        ("--ssh-key-type rsa --new-confd-hmac-key", "--new-ssh-keys"),
        ("--ssh-key-bits 4096", "--new-ssh-keys"),
    ],
)
def test_options_that_contradict_each_other(words: str, said: str) -> None:
    assert said in refusal(f"gnt-cluster renew-crypto -f {words}")


# --- files that are given


def encrypted() -> bytes:
    """A key that asks for a password."""
    key = serialization.load_pem_private_key(GOOD, None)
    password = serialization.BestAvailableEncryption(b"x")
    form = serialization.PrivateFormat.PKCS8
    pem = key.private_bytes(serialization.Encoding.PEM, form, password)
    return pem + tls.certificates_of(GOOD)[0]


OTHER = tls.issue_node_certificate(CA, NAME, "", now())
KEY = GOOD[: GOOD.find(b"-----BEGIN CERT")]
BAD: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "no certificate"),
    "text": (b"certificate\n", "no certificate"),
    "zeros": (b"\0" * 1000, "no certificate"),
    "key alone": (KEY, "no certificate"),
    "certificate alone": (CA.certificate, "no private key"),
    "another's key": (KEY + tls.certificates_of(OTHER)[0], "does not belong"),
    "too old": (tls.issue_node_certificate(CA, NAME, "", 0), "expired"),
    "too new": (tls.issue_node_certificate(CA, NAME, "", now() + 86400), "not valid before"),
    "cut": (GOOD[:-60], "no certificate"),
    "torn key": (GOOD.replace(KEY[40:60], b"A" * 20), "no private key"),
    "too large": (GOOD + b"\n" * 70_000, "more than"),
    "with a password": (encrypted(), "password"),
}


@pytest.mark.parametrize("case", BAD)
@pytest.mark.parametrize("option", ["--rapi-certificate", "--spice-certificate"])
def test_certificates_that_are_not_usable(
    node: Node, tmp_path: Path, option: str, case: str
) -> None:
    content, said = BAD[case]
    given = tmp_path / "given.pem"
    given.write_bytes(content)
    (tmp_path / "ca.pem").write_bytes(CA.certificate)
    ca = ["--spice-ca-certificate", str(tmp_path / "ca.pem")] if "spice" in option else []
    before = node.files()
    # The others that are asked for are not written either.
    ran = node.run("-f --new-confd-hmac-key --new-cluster-certificate", option, str(given), *ca)
    assert (ran.code, node.files(), node.master.ops) == (1, before, [])
    assert str(given) in ran.err
    assert said in ran.err
    assert "PRIVATE" not in ran.err
    assert "Traceback" not in ran.err


SPICE_CAS: dict[str, tuple[bytes, str]] = {
    "of another": (tls.make_ca("other", now()).certificate, "not signed"),
    "of the same name": (tls.make_ca(NAME, now()).certificate, "not signed"),
    "with its key": (CA.certificate + CA.key, "private key"),
    "too old": (tls.make_ca(NAME, 0).certificate, "expired"),
    "empty": (b"", "no certificate"),
}


@pytest.mark.parametrize("case", SPICE_CAS)
def test_spice_authorities_that_are_not_usable(node: Node, tmp_path: Path, case: str) -> None:
    content, said = SPICE_CAS[case]
    own, ca = tmp_path / "own.pem", tmp_path / "ca.pem"
    own.write_bytes(GOOD)
    ca.write_bytes(content)
    before = node.files()
    ran = node.run("-f --spice-certificate", str(own), "--spice-ca-certificate", str(ca))
    assert (ran.code, node.files()) == (1, before)
    assert said in ran.err


def test_given_files_are_taken_as_they_are(node: Node, tmp_path: Path) -> None:
    for name, content in (("own", GOOD), ("ca", CA.certificate), ("secret", b"a secret")):
        (tmp_path / name).write_bytes(content)
    options = {
        "--rapi-certificate": "own",
        "--spice-certificate": "own",
        "--spice-ca-certificate": "ca",
        "--cluster-domain-secret": "secret",
    }
    words = [word for pair in options.items() for word in (pair[0], str(tmp_path / pair[1]))]
    ran = node.run("-f", *words)
    assert ran.code == 0, ran.err
    found = node.files()
    assert (found["rapi.pem"], found["spice.pem"], found["spice-ca.pem"]) == (
        GOOD, GOOD, CA.certificate
    )  # fmt: skip
    assert found["cluster-domain-secret"] == b"a secret\n"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "one line"),
        (b"\n", "one line"),
        (b"  \n", "one line"),
        (b"one\ntwo\n", "one line"),
        ("gehe\xefm".encode(), "printable"),
        (b"a\x07b", "printable"),
        (b"x" * 70_000, "more than"),
    ],
)
def test_secrets_that_are_not_usable(node: Node, tmp_path: Path, content: bytes, said: str) -> None:
    given = tmp_path / "secret"
    given.write_bytes(content)
    before = node.files()
    ran = node.run("-f --cluster-domain-secret", str(given))
    assert (ran.code, node.files()) == (1, before)
    assert said in ran.err
    assert not content.strip() or content.decode("utf-8", "replace") not in ran.err


def test_what_is_no_file_is_not_waited_for(node: Node, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    places: dict[str, Any] = {
        str(tmp_path / "pipe"): "no file",
        str(tmp_path): "directory",
        "/dev/zero": "no file",
        str(tmp_path / "missing"): "No such file",
        "": "No such file",
    }
    before = node.files()
    for place, said in places.items():
        ran = node.run("-f --cluster-domain-secret", place)
        assert (ran.code, node.files()) == (1, before)
        assert said in ran.err, place


def test_keys_of_hosts_need_no_check(node: Node) -> None:
    ran = node.run("-f --new-ssh-keys --no-ssh-key-check")
    assert ran.code == 0
    assert "has no effect" in ran.err


def test_a_cluster_that_leaves_them_alone_refuses_before_anything_is_written(node: Node) -> None:
    node.master = FakeMaster(answers={"QueryClusterInfo": {**INFO, "modify_ssh_setup": False}})
    before = node.files()
    ran = node.run(f"-f {ALL}")
    assert (ran.code, node.files(), node.master.ops) == (1, before, [])
    assert "--no-ssh-init" in ran.err
