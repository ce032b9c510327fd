"""Commands of TPMs, and what swtpm says of itself."""

import pytest

from pyganeti.model.errors import HypervisorError
from pyganeti.node.hypervisor.kvm.layout import KvmLayout
from pyganeti.node.hypervisor.kvm.tpm import parse_features, swtpm_command, tpm_arguments

PATHS = KvmLayout("/run/kvm").guest("web1")
OLD = '{ "type": "swtpm", "features": [ "tpm-2.0", "nvram-backend-file" ], "version": "0.7.1" }'
NEW = frozenset({"nvram-backend-file", "cmdarg-migration"})


def test_it_ends_with_its_guest_and_keeps_its_state_on_the_disk() -> None:
    argv = swtpm_command(PATHS, "/run/disks/web1:1", parse_features(OLD), incoming=False).argv
    assert argv == (
        *("swtpm", "socket", "--tpm2", "--tpmstate", "backend-uri=file:///run/disks/web1:1"),
        *("--ctrl", "type=unixio,path=/run/kvm/ctrl/web1.tpm,mode=0600", "--terminate", "--daemon"),
    )


@pytest.mark.parametrize("incoming", [False, True])
def test_one_that_locks_its_state_lets_the_next_node_have_it(incoming: bool) -> None:
    argv = swtpm_command(PATHS, "/dev/drbd0", NEW, incoming=incoming).argv
    more = ",incoming" if incoming else ""
    assert argv[-2:] == ("--migration", f"release-lock-outgoing{more}")


def test_qemu_is_given_its_socket() -> None:
    paths = KvmLayout("/run/a,b").guest("web1")
    assert "socket,id=chrtpm,path=/run/a,,b/ctrl/web1.tpm" in tpm_arguments(paths)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"features": 1}', "no json"])
def test_nonsense_is_refused(text: str) -> None:
    with pytest.raises(HypervisorError, match="unexpected answer from swtpm"):
        parse_features(text)
