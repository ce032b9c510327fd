"""Which hosts have left several keys in authorized_keys."""

import os
from pathlib import Path

import pytest

from pyganeti.kit.paths import Paths
from pyganeti.node.authorized_keys import find_clutter, parse_clutter

HOSTS = ("node1", "node2")


@pytest.mark.parametrize(
    ("lines", "wanted"),
    [
        ([], {}),
        (["ssh-rsa AAAA root@node1"], {}),
        (["ssh-rsa AAAA root@node1", "ssh-ed25519 BBBB root@node1"], {"root@node1": 2}),
        (["ssh-rsa AAAA root@node1", "ssh-rsa AAAA root@node1"], {}),
        (["ssh-rsa AAAA root@node1", "ssh-rsa BBBB admin@node1"], {}),
        (["ssh-rsa AAAA root@other", "ssh-rsa BBBB root@other"], {}),
        (["ssh-rsa AAAA root@node1", "#ssh-rsa BBBB root@node1"], {}),
        (["ssh-rsa A root@node1", 'command="ssh-x y" ssh-rsa B root@node1'], {"root@node1": 2}),
        (["ecdsa-sha2-nistp256 AAAA", "ssh-rsa", "what is that?", "\x00"], {}),
    ],
)  # fmt: skip
def test_keys_of_one_owner_are_counted(lines: list[str], wanted: dict[str, int]) -> None:
    assert parse_clutter("\n".join(lines), HOSTS) == wanted


def test_the_file_is_roots_and_need_not_be_there(tmp_path: Path) -> None:
    paths = Paths(str(tmp_path / "node1"), "node1")
    assert find_clutter(paths, HOSTS) == {}
    os.makedirs(f"{paths.rootdir}/root/.ssh")
    file = Path(f"{paths.rootdir}/root/.ssh/authorized_keys")
    file.write_bytes(b"ssh-rsa A root@node2\nssh-rsa B root@node2\n\xff\n")
    assert find_clutter(paths, HOSTS) == {"root@node2": 2}
    assert find_clutter(paths, ()) == {}
