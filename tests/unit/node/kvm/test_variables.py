"""The disk with the variables of a guest's firmware: begun once, and then left alone."""

import os
from pathlib import Path
from typing import Final

import pytest

from pyganeti.model.errors import HypervisorError
from pyganeti.node.hypervisor.base import GuestDisk
from pyganeti.node.hypervisor.kvm.firmware import Firmware
from pyganeti.node.hypervisor.kvm.variables import prepare_store
from pyganeti.wire.noderpc.specs import DiskSpec

SIZE: Final = 1 << 20
KIND: Final = bytes.fromhex("8d2bf1ff96768b4ca9852747075b4f50")


def template(length: int = 128 << 10) -> bytes:
    """An empty store, as firmware has it."""
    header = bytes(16) + KIND + length.to_bytes(8, "little") + b"_FVH" + bytes(20)
    return header + b"\xff" * (length - len(header))


@pytest.fixture
def firmware(tmp_path: Path) -> Firmware:
    """One that is installed."""
    path = tmp_path / "vars.fd"
    path.write_bytes(template())
    return Firmware("/code", str(path), len(template()))


def disk(tmp_path: Path, content: bytes = b"", size: int = SIZE) -> GuestDisk:
    """A disk that begins with ``content``."""
    path = tmp_path / "disk"
    path.write_bytes(content[:size].ljust(size, b"\0"))
    spec = DiskSpec(dev_type="file", logical_id=("loop", str(path)), size=1, name="vars")
    return GuestDisk(spec, str(path))


@pytest.mark.parametrize("content", [b"", b"\xa5" * SIZE, b"QFI\xfb" + bytes(64), KIND])
def test_what_is_no_store_becomes_one(tmp_path: Path, firmware: Firmware, content: bytes) -> None:
    place = disk(tmp_path, content)
    assert prepare_store(place, firmware) is True
    found = Path(place.link).read_bytes()
    assert found[: firmware.store_size] == template()
    assert found[firmware.store_size :] == content[firmware.store_size : SIZE].ljust(
        SIZE - firmware.store_size, b"\0"
    )


def test_what_tells_a_store_is_written_when_the_rest_is_safe(
    tmp_path: Path, firmware: Firmware, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise a power cut in between could leave a store without its end."""
    done: list[object] = []
    write, sync = os.pwrite, os.fsync

    def noted(fd: int, data: bytes, at: int) -> int:
        done.append(at)
        return write(fd, data, at)

    def synced(fd: int) -> None:
        done.append("sync")
        sync(fd)

    monkeypatch.setattr(os, "pwrite", noted)
    monkeypatch.setattr(os, "fsync", synced)
    prepare_store(disk(tmp_path), firmware)
    assert done == [4096, "sync", 0, "sync"]


def test_a_store_is_left_alone(tmp_path: Path, firmware: Firmware) -> None:
    written = bytearray(template())
    written[100:108] = b"variable"
    place = disk(tmp_path, bytes(written))
    assert prepare_store(place, firmware) is False
    assert Path(place.link).read_bytes()[: len(written)] == written


def test_a_beginning_that_was_cut_off_is_done_again(
    tmp_path: Path, firmware: Firmware, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, write = disk(tmp_path, b"old" * 1000), os.pwrite

    def cut(fd: int, data: bytes, at: int) -> int:
        if at == 0:
            raise OSError(5, "Input/output error")
        return write(fd, data, at)

    monkeypatch.setattr(os, "pwrite", cut)
    with pytest.raises(HypervisorError, match="disk vars: Input/output error"):
        prepare_store(place, firmware)
    monkeypatch.undo()
    # All but what makes it a store is there.
    assert Path(place.link).read_bytes()[4096 : firmware.store_size] == template()[4096:]
    assert prepare_store(place, firmware) is True


def test_the_store_of_another_firmware_is_refused(tmp_path: Path, firmware: Firmware) -> None:
    place = disk(tmp_path, template(512 << 10))
    with pytest.raises(HypervisorError, match=r"another firmware: 524288 bytes .* not 131072"):
        prepare_store(place, firmware)
    assert Path(place.link).read_bytes()[: 512 << 10] == template(512 << 10)


def test_what_cannot_be_is_refused(tmp_path: Path, firmware: Firmware) -> None:
    with pytest.raises(HypervisorError, match="has 65536 bytes, the firmware keeps 131072"):
        prepare_store(disk(tmp_path, size=64 << 10), firmware)
    with pytest.raises(HypervisorError, match="disk vars: No such file"):
        prepare_store(GuestDisk(disk(tmp_path).spec, str(tmp_path / "gone")), firmware)
    with pytest.raises(HypervisorError, match="access=userspace"):
        prepare_store(GuestDisk(disk(tmp_path).spec, ""), firmware)
    Path(firmware.template).unlink()
    with pytest.raises(HypervisorError, match="is gone, or was changed"):
        prepare_store(disk(tmp_path), firmware)
