"""Configurations of each former version, beside what Ganeti's own tool makes of them."""

import copy
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pyganeti.kit.ids import SeededIds
from pyganeti.model.checks import verify_config
from pyganeti.model.codec import decode_config, encode_config
from pyganeti.model.errors import ConfigurationError
from pyganeti.model.versions import CONFIG_VERSION, PREVIOUS_CONFIG_VERSION
from pyganeti.model.view import ClusterView
from pyganeti.tools.cfgupgrade.convert import check_version, downgraded, upgraded

GOLDEN = Path(__file__).parents[3] / "golden" / "cfgupgrade"
VERSIONS = ("2.7", "2.8", "2.9", "2.11", "2.12", "2.13", "2.16", "3.0")
NOW = 1_500_000_000.0
# Any: JSON.
Config = dict[str, Any]


def load(name: str) -> Config:
    config: Config = json.loads((GOLDEN / f"{name}.json").read_text("utf-8"))
    return config


def upgrade(config: Config) -> Config:
    return upgraded(config, SeededIds(), NOW)


def view(config: Config) -> ClusterView:
    return ClusterView.from_config(decode_config(msgspec.json.encode(config)))


# --- beside Ganeti's


def names(config: Config) -> dict[str, str]:
    """What UUIDs that were made up stand for: the place of their object."""
    found = {}
    for instance in config["instances"].values():
        for index, nic in enumerate(instance["nics"]):
            found[nic["uuid"]] = f"{instance['name']} nic {index}"
        for index, uuid in enumerate(instance["disks"]):
            found[uuid] = f"{instance['name']} disk {index}"
            for number, child in enumerate(config["disks"][uuid].get("children", [])):
                found[child["uuid"]] = f"{instance['name']} disk {index} {number}"
    return found


def comparable(config: Config) -> Any:
    """Without what is made up, what 3.1 has changed, and what nobody can tell apart."""
    text = json.dumps(config)
    for uuid, name in names(config).items():
        text = text.replace(uuid, name)
    config = json.loads(text)
    for key in ("version", "serial_no", "mtime"):
        del config[key]
    for disk in config["disks"].values():
        disk["nodes"].sort()
        for child in disk.get("children", []):
            child["nodes"].sort()
            for key in ("ctime", "mtime", "mode"):
                child.pop(key, None)
    hvparams = config["cluster"]["hvparams"]
    for name, values in hvparams.items():
        if name.startswith("xen"):
            values.pop("xen_cmd", None)
    instances = config["instances"].values()
    for values in (hvparams["kvm"], *(instance["hvparams"] for instance in instances)):
        if values.get("disk_discard") == "default":
            values["disk_discard"] = "ignore"
    cluster = config["cluster"]
    cluster["enabled_disk_templates"].sort()
    cluster["ipolicy"]["disk-templates"].sort()
    return config


def differences(ours: Any, theirs: Any, place: str = "") -> list[str]:
    """Places where two values differ, with both."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return [
            line
            for key in sorted(ours.keys() | theirs.keys())
            for line in differences(ours.get(key), theirs.get(key), f"{place}/{key}")
        ]
    if isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        pairs = enumerate(zip(ours, theirs, strict=True))
        return [line for index, pair in pairs for line in differences(*pair, f"{place}/{index}")]
    # Ours names what is empty.
    same = ours == theirs or (not ours and theirs is None)
    return [] if same else [f"{place}: {ours!r}, Ganeti has {theirs!r}"]


# Parameters with another default, or path, in 3.1.
NEWER = {
    "/cluster/hvparams/kvm/kvm_path",
    "/cluster/hvparams/kvm/vhost_net",
}


@pytest.mark.parametrize("version", VERSIONS)
def test_it_becomes_what_ganeti_makes_of_it(version: str) -> None:
    ours, theirs = upgrade(load(version)), load(f"{version}-upgraded")
    found = differences(comparable(ours), comparable(theirs))
    assert [line for line in found if line.split(":")[0] not in NEWER] == []


@pytest.mark.parametrize("version", VERSIONS)
def test_it_loads_and_is_saved_as_it_is(version: str) -> None:
    new = upgrade(load(version))
    data = msgspec.json.encode(new)
    assert new["version"] == CONFIG_VERSION
    assert msgspec.json.decode(encode_config(decode_config(data))) == new
    assert verify_config(view(new)) == []


@pytest.mark.parametrize("version", VERSIONS)
def test_its_own_output_is_left_as_it_is(version: str) -> None:
    new = upgrade(load(version))
    assert upgrade(new) == new


@pytest.mark.parametrize("version", VERSIONS)
def test_there_and_back(version: str) -> None:
    new = upgrade(load(version))
    old = downgraded(new)
    assert old["version"] == PREVIOUS_CONFIG_VERSION
    again = upgrade(old)
    assert again == {**new, "serial_no": new["serial_no"] + 1, "mtime": NOW}


def test_what_is_converted_is_not_changed() -> None:
    old = load("2.7")
    before = copy.deepcopy(old)
    upgrade(old)
    assert old == before


# --- what the small cluster does not have


def with_disk(template: str, kind: str, parts: list[str]) -> Config:
    config = load("2.7")
    instance = config["instances"]["inst3.example.com"]
    disk = {"dev_type": kind, "logical_id": parts, "size": 10, "mode": "rw", "params": {}}
    instance |= {"disk_template": template, "disks": [disk]}
    return config


@pytest.mark.parametrize(
    ("template", "kind", "nodes"),
    [
        ("sharedfile", "file", []),
        ("file", "file", ["33333333-0000-4000-8000-000000000002"]),
        ("rbd", "rbd", []),
        ("ext", "ext", []),
        ("blockdev", "blockdev", []),
    ],
)
def test_disks_of_every_kind(template: str, kind: str, nodes: list[str]) -> None:
    new = upgrade(with_disk(template, kind, ["a", "b"]))
    instance = new["instances"]["44444444-0000-4000-8000-000000000003"]
    (uuid,) = instance["disks"]
    disk = new["disks"][uuid]
    assert (disk["dev_type"], disk["nodes"], disk["iv_name"]) == (template, nodes, "disk/0")
    assert template in new["cluster"]["enabled_disk_templates"]
    view(new)


def test_a_group_takes_from_the_cluster_what_it_lacks() -> None:
    config = load("2.7")
    config["cluster"]["ipolicy"]["min"]["disk-size"] = 2048
    config["cluster"]["ipolicy"]["std"]["disk-size"] = 2048
    new = upgrade(config)
    (policy,) = [g["ipolicy"] for g in new["nodegroups"].values() if g["name"] == "rack2"]
    assert policy["minmax"][0]["min"]["disk-size"] == 2048
    assert policy["minmax"][0]["max"]["nic-count"] == 18


@pytest.mark.parametrize(
    ("vg", "helper", "templates"),
    [
        ("xenvg", "/bin/true", ["drbd", "plain"]),
        ("xenvg", "", ["plain"]),
        (None, None, ["diskless"]),
    ],
)
def test_templates_of_a_cluster_without_instances(
    vg: str | None, helper: str | None, templates: list[str]
) -> None:
    config = load("2.7")
    config["instances"] = {}
    config["cluster"] |= {"volume_group_name": vg, "drbd_usermode_helper": helper}
    new = upgrade(config)
    assert new["cluster"]["enabled_disk_templates"] == templates
    assert set(new["cluster"]["ipolicy"]["disk-templates"]) <= set(templates)


def test_what_nobody_knows_is_kept() -> None:
    config = load("3.0")
    config["cluster"]["of_our_site"] = {"a": 1}
    new = upgrade(config)
    data = encode_config(decode_config(msgspec.json.encode(new)))
    assert msgspec.json.decode(data)["cluster"]["of_our_site"] == {"a": 1}


# --- back


def test_downgrading_takes_values_away_that_are_not_known_yet() -> None:
    new = upgrade(load("3.0"))
    new["cluster"]["hvparams"]["kvm"] |= {"disk_aio": "io_uring", "boot_type": "bios"}
    old = downgraded(new)
    kvm = old["cluster"]["hvparams"]["kvm"]
    assert kvm["disk_aio"] == "threads"
    assert "boot_type" not in kvm
    assert old["cluster"]["hvparams"]["xen-pvm"]["xen_cmd"] == "xl"


def test_a_guest_that_ganeti_could_not_start_is_not_handed_over() -> None:
    new = upgrade(load("3.0"))
    new["instances"]["44444444-0000-4000-8000-000000000001"]["hvparams"]["boot_type"] = "uefi"
    with pytest.raises(ConfigurationError, match=r"inst1\.example\.com has boot_type"):
        downgraded(new)


# --- what is refused


@pytest.mark.parametrize(
    ("version", "downgrade", "text"),
    [
        (None, False, "no version"),
        ("3.0", False, "no version"),
        (True, False, "no version"),
        (2_060_000, False, r"version 2\.6\.0 is not supported"),
        (1_020_000, False, r"version 1\.2\.0 is not supported"),
        (3_020_000, False, r"version 3\.2\.0 is not supported"),
        (3_000_000, True, r"only version 3\.1\.0 can be downgraded, found 3\.0\.0"),
    ],
)
def test_other_versions(version: object, downgrade: bool, text: str) -> None:
    with pytest.raises(ConfigurationError, match=text):
        check_version({"version": version}, downgrade=downgrade)


@pytest.mark.parametrize("key", ["cluster", "nodes", "instances", "nodegroups", "serial_no"])
@pytest.mark.parametrize("value", [None, 7, [], "text"])
def test_nonsense_is_refused(key: str, value: object) -> None:
    config = load("2.7")
    config[key] = {"text": 7} if key == "serial_no" else value
    with pytest.raises(ConfigurationError):
        upgrade(config)


@pytest.mark.parametrize("key", ["cluster", "nodes", "instances", "nodegroups", "serial_no"])
def test_what_is_missing_is_named(key: str) -> None:
    config = load("2.7")
    del config[key]
    with pytest.raises(ConfigurationError, match=f"no (key )?'{key}'"):
        upgrade(config)
