"""Which firmware is taken, of what descriptors say."""

import json
from pathlib import Path
from typing import Any

import pytest

from pyganeti.model.errors import HypervisorError
from pyganeti.node.hypervisor.kvm.firmware import Firmware, find_firmware


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    """Programs and templates."""
    found = {}
    for name, size in (("code", 64), ("vars", 4096), ("other", 8192)):
        path = tmp_path / name
        path.write_bytes(bytes(size))
        found[name] = str(path)
    return found


def describe(directory: Path, name: str, files: dict[str, str], **changes: Any) -> None:
    """A descriptor like those of Debian's ovmf."""
    template = files[changes.pop("template", "vars")]
    mapping = {
        "device": "flash",
        "executable": {"filename": files["code"], "format": "raw"},
        "nvram-template": {"filename": template, "format": changes.pop("format", "raw")},
    }
    machines = ["pc-i440fx-*", "pc-q35-*"]
    wanted = {
        "interface-types": ["uefi"],
        "mapping": mapping,
        "targets": [{"architecture": "x86_64", "machines": machines}],
        "features": ["acpi-s3", "amd-sev", "verbose-dynamic"],
    }
    directory.mkdir(exist_ok=True)
    (directory / name).write_text(json.dumps({**wanted, **changes}))


@pytest.mark.parametrize("machine", ["pc", "q35", "pc-i440fx-7.2", "pc-q35-9.0"])
def test_the_first_by_name_that_suits_is_taken(
    tmp_path: Path, files: dict[str, str], machine: str
) -> None:
    place = tmp_path / "d"
    arm = [{"architecture": "aarch64", "machines": ["virt-*"]}]
    for name, changes in (
        ("10-smm.json", {"features": ["requires-smm"]}),
        ("20-bios.json", {"interface-types": ["bios"]}),
        ("30-qcow2.json", {"format": "qcow2"}),
        ("40-arm.json", {"targets": arm}),
    ):
        describe(place, name, files, template="other", **changes)
    describe(place, "60-plain.json", files)
    describe(place, "70-later.json", files, template="other")
    found = find_firmware(machine, (str(tmp_path / "none"), str(place)))
    assert found == Firmware(files["code"], files["vars"], 4096)


def test_an_administrators_descriptor_stands_for_one_of_the_same_name(
    tmp_path: Path, files: dict[str, str]
) -> None:
    own, dist = tmp_path / "etc", tmp_path / "usr"
    describe(dist, "60-plain.json", files)
    describe(own, "60-plain.json", files, template="other")
    assert find_firmware("pc", (str(own), str(dist))).store_size == 8192
    (own / "60-plain.json").write_bytes(b"")
    with pytest.raises(HypervisorError, match="no UEFI firmware for machines pc"):
        find_firmware("pc", (str(own), str(dist)))


def test_one_whose_files_are_gone_is_passed_over(tmp_path: Path, files: dict[str, str]) -> None:
    place = tmp_path / "d"
    for gone in ("code", "vars"):
        lost = {**files, gone: str(tmp_path / "gone")}
        describe(place, f"{gone}.json", lost)
    with pytest.raises(HypervisorError):
        find_firmware("pc", (str(place),))


@pytest.mark.parametrize("text", ["", "[]", "{}", "nonsense", '{"mapping": 1}'])
def test_nonsense_is_passed_over(tmp_path: Path, files: dict[str, str], text: str) -> None:
    place = tmp_path / "d"
    describe(place, "60-plain.json", files)
    (place / "10-nonsense.json").write_text(text)
    assert find_firmware("pc", (str(place),)).code == files["code"]
