"""Commands of TPMs, and what swtpm says of itself."""

import pytest

from pyganeti.kit.clock import SystemClock
from pyganeti.kit.process import Command, Finished, ProcessError
from pyganeti.model.errors import HypervisorError
from pyganeti.node.hypervisor.kvm.facts import QemuFacts
from pyganeti.node.hypervisor.kvm.layout import KvmLayout
from pyganeti.node.hypervisor.kvm.schema import QmpSchema
from pyganeti.node.hypervisor.kvm.tpm import (
    DEVICE,
    Tpms,
    parse_features,
    swtpm_command,
    tpm_arguments,
)

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


@pytest.mark.parametrize(
    ("said", "refused"),
    [
        (OLD, ""),
        (OLD.replace("nvram-backend-file", "tpm-1.2"), "cannot keep its state on a disk"),
        (None, "this node has no swtpm"),
    ],
)
async def test_a_node_whose_swtpm_is_missing_or_too_old_is_refused(
    said: str | None, refused: str
) -> None:
    async def run(command: Command) -> Finished:
        if said is None:
            raise ProcessError(command, "No such file or directory")
        return Finished(0, said, "")

    facts = QemuFacts(
        version="9.0",
        machines=frozenset(),
        default_machine="pc-i440fx-9.0",
        devices=frozenset({DEVICE}),
        options=frozenset({"tpmdev"}),
        events=frozenset(),
        schema=QmpSchema(),
    )
    checked = Tpms(run, SystemClock()).check({"tpm": "2.0"}, facts)
    if not refused:
        await checked
        return
    with pytest.raises(HypervisorError, match=refused):
        await checked
