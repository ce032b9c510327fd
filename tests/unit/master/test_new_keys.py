"""New keys: whose they are."""

import base64
import json
import os
import re
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from pyganeti.kit.paths import Paths
from pyganeti.kit.tls import expiry
from pyganeti.master.new_keys import NewKeys, Wanted, make, places, self_signed, write
from pyganeti.model.errors import OpPrereqError

SPEC = Path(__file__).parents[2] / "spec"
# In DER: the object identifier of elliptic curve keys and one that is nobody's; a certificate's
# version, the third and one that there is not.
EC_KEY, NO_KEY = bytes.fromhex("2a8648ce3d0201"), bytes.fromhex("2a8648ce3d0277")
THIRD, NINTH = bytes.fromhex("a003020102"), bytes.fromhex("a003020108")


def changed(pem: bytes, kind: bytes, old: bytes, new: bytes) -> bytes:
    """``pem`` with bytes of its first part of that kind replaced."""
    pattern = b"(-----BEGIN %s-----\n)(.*?)(-----END)" % kind

    def change(found: re.Match[bytes]) -> bytes:
        data = base64.b64decode(found[2])
        assert old in data
        return found[1] + base64.encodebytes(data.replace(old, new, 1)) + found[3]

    return re.sub(pattern, change, pem, count=1, flags=re.DOTALL)


def locked(pem: bytes) -> bytes:
    """``pem`` with its key under a password."""
    key = load_pem_private_key(pem, None)
    under = BestAvailableEncryption(b"hidden")
    return (
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, under)
        + pem[pem.index(b"-----BEGIN CERT") :]
    )


PAIR = self_signed("cluster.example.com")
KEY, CERTIFICATE = b"PRIVATE KEY", b"CERTIFICATE"


def test_owners_and_modes_are_those_of_the_layout() -> None:
    layout = json.loads((SPEC / "layout.json").read_text())
    users, groups = layout["_meta"]["users"], layout["_meta"]["groups"]
    wanted = {
        entry["path"].replace("{localstatedir}", "/var"): (
            int(entry["mode_octal"], 8),
            users[entry["user"]],
            groups[entry["group"]],
        )
        for entry in layout["entries"]
    }
    found = {path: tuple(place) for path, place in places(Paths()).items()}
    own = {Paths().ca_next: (0o400, "gnt-masterd", "gnt-masterd")}
    assert found == {**{path: wanted[path] for path in found.keys() - own.keys()}, **own}


def test_files_are_replaced_whole_with_their_modes(tmp_path: Path) -> None:
    paths = Paths(str(tmp_path), "node1")
    os.makedirs(paths.data_dir)
    Path(paths.hmac_key).write_bytes(b"an older and longer one")
    keys = NewKeys({paths.hmac_key: b"new", paths.ca_next: b"next"})
    assert "next" not in repr(keys)
    write(paths, keys)
    assert Path(paths.hmac_key).read_bytes() == b"new"
    modes = [stat.S_IMODE(os.stat(path).st_mode) for path in (paths.hmac_key, paths.ca_next)]
    assert modes == [0o440, 0o400]


@pytest.mark.parametrize(
    ("pem", "why"),
    [
        (b"", "it holds no certificate that can be read"),
        (changed(PAIR, CERTIFICATE, THIRD, NINTH), "it holds no certificate that can be read"),
        (PAIR[PAIR.index(b"-----BEGIN CERT") :], "it holds no private key that can be read"),
        (changed(PAIR, KEY, EC_KEY, NO_KEY), "it holds no private key that can be read"),
        (changed(PAIR, KEY, EC_KEY, b"?" * 7), "it holds no private key that can be read"),
        (changed(PAIR, CERTIFICATE, EC_KEY, NO_KEY), "its certificate is for a kind of key"),
        (locked(PAIR), "its key is protected by a password"),
    ],
)
def test_a_pair_that_nobody_can_read_is_refused(tmp_path: Path, pem: bytes, why: str) -> None:
    given = tmp_path / "given.pem"
    given.write_bytes(pem)
    with pytest.raises(OpPrereqError, match=re.escape(f"{given}: {why}")):
        make(Paths(str(tmp_path)), Wanted(rapi_file=str(given)), "cluster.example.com")


def test_a_pair_that_is_given_is_taken(tmp_path: Path) -> None:
    given, paths = tmp_path / "given.pem", Paths(str(tmp_path))
    given.write_bytes(PAIR)
    keys = make(paths, Wanted(rapi_file=str(given)), "cluster.example.com")
    assert keys.files == {paths.rapi_pem: PAIR}


def test_a_certificate_of_no_version_has_no_end() -> None:
    assert expiry(PAIR) > 0
    with pytest.raises(ValueError, match="version"):
        expiry(changed(PAIR, CERTIFICATE, THIRD, NINTH))
