"""Root's ssh keys: OpenSSH takes them, and what the site has put there stays."""

import os
import stat
from pathlib import Path

import pytest

from pyganeti.kit.process import Command, run
from pyganeti.model.enums import SshKeyType
from pyganeti.model.errors import GenericError
from pyganeti.node.ssh_keys import SshKeys

SITE = [
    "# ssh-rsa AAAAold root@node1",
    "",
    'from="192.0.2.0/24",command="echo \\"hi\\"" ssh-rsa AAAAsite admin@example.com',
    "ssh-ed25519 AAAAadmin \udcff not UTF-8",
    "restrict ssh-rsa AAAAganeti somebody's ganeti:",
]
EC = SshKeyType.ECDSA


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / ".ssh"


def authorized(place: Path) -> list[str]:
    text = (place / "authorized_keys").read_bytes().decode("utf-8", "surrogateescape")
    return text.splitlines()


def write_site(place: Path, *more: str) -> None:
    place.mkdir()
    text = "\n".join([*SITE, *more]) + "\n"
    (place / "authorized_keys").write_bytes(text.encode("utf-8", "surrogateescape"))


@pytest.mark.parametrize(
    ("kind", "bits"), [(EC, 256), (EC, 384), (EC, 521), (SshKeyType.RSA, 2048)]
)
async def test_openssh_reads_them(place: Path, kind: SshKeyType, bits: int) -> None:
    keys = SshKeys(str(place), str(place.parent))
    made = keys.make(kind, bits, "ganeti:node1")
    assert made.former == ()
    assert not (place / f"id_{kind}").exists()
    keys.take_up(kind, made.public)
    path = str(place / f"id_{kind}")
    keys.forget_former()
    done = await run(Command(("ssh-keygen", "-y", "-P", "", "-f", path)))
    assert done.stdout.split()[:2] == made.public.split()[:2]
    said = (await run(Command(("ssh-keygen", "-l", "-f", f"{path}.pub")))).stdout.split()
    assert (said[0], said[2]) == (str(bits), "ganeti:node1")
    modes = [stat.S_IMODE(os.stat(one).st_mode) for one in (place, path, f"{path}.pub")]
    assert modes == [0o700, 0o600, 0o644]
    assert sorted(os.listdir(place)) == [f"id_{kind}", f"id_{kind}.pub"]


def test_a_key_of_another_kind_takes_the_place_of_the_former(place: Path) -> None:
    place.mkdir()
    for name in ("id_rsa", "id_rsa.pub", "id_dsa", "id_ed25519"):
        (place / name).write_text("ssh-rsa AAAAold root@node1\n")
    keys = SshKeys(str(place), str(place.parent))
    made = keys.make(EC, 256, "ganeti:node1")
    assert made.former == ("ssh-rsa AAAAold root@node1",)
    for _ in range(2):
        keys.take_up(EC, made.public)
        assert {"id_ecdsa", "id_ecdsa.pub", "id_ed25519"} == {
            name for name in os.listdir(place) if not name.startswith("id_ganeti")
        }
    # It may still be allowed somewhere.
    assert keys.make(EC, 256, "x").former == ("ssh-rsa AAAAold root@node1", made.public)
    for _ in range(2):
        keys.forget_former()
        assert keys.make(EC, 256, "x").former == (made.public,)
    with pytest.raises(GenericError, match="another one"):
        keys.take_up(EC, "ssh-rsa AAAAnever root@node1")


def test_what_the_site_allows_stays(place: Path) -> None:
    write_site(place, "ssh-rsa AAAAold root@node1", "ssh-rsa AAAAhalf ganeti:node2")
    keys = SshKeys(str(place), str(place.parent))
    new = ("ssh-rsa AAAAnew1 ganeti:node1", "ssh-rsa AAAAnew2 ganeti:node2")
    for _ in range(2):
        keys.authorize(new, (), only=False)
        assert authorized(place)[len(SITE) + 2 :] == list(new)
    for _ in range(2):
        keys.authorize(new[:1], ("ssh-rsa AAAAold root@node1",), only=True)
        # The site's last line ends as ours do.
        assert authorized(place) == [*SITE[:-1], new[0]]
    assert stat.S_IMODE((place / "authorized_keys").stat().st_mode) == 0o600


def test_a_former_key_goes_whatever_stands_before_it(place: Path) -> None:
    write_site(place, 'from="192.0.2.1" ssh-rsa AAAAold root@node1', "ssh-rsa AAAAolder x")
    SshKeys(str(place), str(place.parent)).authorize(
        (), ("ssh-rsa AAAAold root@node1",), only=False
    )
    assert authorized(place) == [*SITE, "ssh-rsa AAAAolder x"]


def test_a_key_that_is_allowed_is_not_withdrawn(place: Path) -> None:
    line = "ssh-rsa AAAAkept ganeti:node1"
    keys = SshKeys(str(place), str(place.parent))
    for only in (False, True):
        keys.authorize((line,), (line,), only=only)
        assert authorized(place) == [line]


@pytest.mark.parametrize("line", ["", "ssh-rsa", "ssh-rsa AAAA x\nssh-rsa AAAAmine x", "a b\rc d"])
def test_what_is_no_key_is_not_allowed(place: Path, line: str) -> None:
    write_site(place)
    before = authorized(place)
    with pytest.raises(GenericError, match="no public SSH key"):
        SshKeys(str(place), str(place.parent)).authorize((line,), (), only=True)
    assert authorized(place) == before


@pytest.mark.parametrize(
    ("kind", "bits", "comment", "said"),
    [
        (SshKeyType.DSA, 1024, "x", "dsa"),
        (SshKeyType.RSA, 512, "x", "512"),
        (SshKeyType.RSA, 10**9, "x", "bits"),
        (EC, 255, "x", "255"),
        (EC, 256, "x y", "comment"),
        (EC, 256, "x\nssh-rsa AAAAmine", "comment"),
        (EC, 256, "", "comment"),
    ],
)
def test_other_keys_are_not_made(
    place: Path, kind: SshKeyType, bits: int, comment: str, said: str
) -> None:
    with pytest.raises(GenericError, match=said):
        SshKeys(str(place), str(place.parent)).make(kind, bits, comment)
    assert not place.exists()


async def test_one_is_made_where_there_is_none(place: Path, tmp_path: Path) -> None:
    (tmp_path / "ssh_host_rsa_key.pub").write_text("ssh-rsa AAAArsa root@node1\n")
    (tmp_path / "ssh_host_ed25519_key.pub").write_text("ssh-ed25519 AAAAed\n")
    keys = SshKeys(str(place), str(tmp_path))
    found = keys.ensure(EC, 256, "ganeti:node1")
    assert found.hosts == ("ssh-ed25519 AAAAed", "ssh-rsa AAAArsa")
    done = await run(Command(("ssh-keygen", "-y", "-P", "", "-f", str(place / "id_ecdsa"))))
    assert done.stdout.split()[:2] == found.public.split()[:2]
    assert found.public.endswith(" ganeti:node1")
    assert keys.ensure(EC, 384, "ganeti:node1") == found
    # The host ended while it was made.
    (place / "id_ecdsa").unlink()
    assert keys.ensure(EC, 256, "ganeti:node1").public != found.public


def test_one_that_is_there_is_kept_whatever_it_is(place: Path) -> None:
    place.mkdir()
    (place / "id_ed25519").write_text("the site's")
    (place / "id_rsa").write_text("private")
    keys = SshKeys(str(place), str(place))
    with pytest.raises(GenericError, match="no public key beside"):
        keys.ensure(SshKeyType.RSA, 2048, "ganeti:node1")
    (place / "id_rsa.pub").write_text("ssh-rsa AAAAown root@node1\n")
    assert (
        keys.ensure(SshKeyType.RSA, 2048, "ganeti:node1").public == "ssh-rsa AAAAown ganeti:node1"
    )
    assert sorted(os.listdir(place)) == ["id_ed25519", "id_rsa", "id_rsa.pub"]
    with pytest.raises(GenericError, match="comment"):
        keys.ensure(SshKeyType.RSA, 2048, "x\nssh-rsa AAAAmine")


def test_of_those_that_were_not_asked_keys_stay(place: Path) -> None:
    write_site(place, "ssh-rsa AAAA1 ganeti:node1", "ssh-rsa AAAA2 ganeti:node2")
    SshKeys(str(place), str(place)).authorize((), (), only=True, kept=("ganeti:node2",))
    assert authorized(place) == [*SITE[:-1], "ssh-rsa AAAA2 ganeti:node2"]
