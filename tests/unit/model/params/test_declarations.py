"""Parameter sets, enums and template tables are those of the facts."""

import json
from pathlib import Path
from typing import Any

import pytest

from pyganeti.model import enums, templates, verify_codes
from pyganeti.model.enums import DiskTemplate, Hypervisor
from pyganeti.model.params import be, disk, hv, ipolicy, nd, nic, state
from pyganeti.model.params.kinds import Kind, ParamSet

SPEC = Path(__file__).parents[3] / "spec"
KINDS = {
    Kind.BOOL: "bool",
    Kind.FLOAT: "float",
    Kind.INT: "int",
    Kind.MAYBE_STRING: "maybe-string",
    Kind.SIZE: "size",
    Kind.STRING: "string",
}


def facts(name: str) -> Any:
    """A file of facts."""
    return json.loads((SPEC / f"{name}.json").read_text())


def in_3_1(params: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """What 3.1 has of them, by name."""
    return {
        p["name"]: p for p in params if p.get("removed_in") != "3.1" and p.get("since") != "3.2"
    }


def compare(ours: ParamSet, params: list[dict[str, Any]]) -> None:
    """Names, types, defaults and titles."""
    wanted = in_3_1(params)
    theirs = {name: param for name, param in ours.params.items() if not param.ours}
    assert set(theirs) == set(ours.defaults) == set(wanted)
    for name, param in theirs.items():
        assert param.default == wanted[name]["default"], name
        assert type(param.default) is type(wanted[name]["default"]), name
        assert KINDS[param.kind] == wanted[name]["type"], name
        if "title" in wanted[name]:
            assert param.title == wanted[name]["title"], name


@pytest.mark.parametrize("hypervisor", list(Hypervisor))
def test_hvparams(hypervisor: Hypervisor) -> None:
    table = facts("hvparams")[hypervisor]
    ours = hv.SETS[hypervisor]
    compare(ours, table)
    for name, wanted in in_3_1(table).items():
        param = ours.params[name]
        later = {c["key"]: c["before"] for c in wanted.get("changed", []) if c["in"] == "3.2"}
        assert list(param.allowed) == later.get("allowed", wanted.get("allowed", [])), name
        assert param.required == wanted["required"], name
        assert param.cluster_only == wanted.get("cluster_only", False), name
        checked = wanted.get("check", "none") != "none"
        assert bool(param.check) == checked, name
        assert bool(param.node_check) == ("existing" in wanted.get("check", "")), name


def test_what_ganeti_has_not_stands_only_where_it_was_set() -> None:
    ours = {name for name, param in hv.SETS[Hypervisor.KVM].params.items() if param.ours}
    assert ours == {"boot_type", "tpm"}
    assert not ours & hv.DEFAULTS[Hypervisor.KVM].keys()


def test_cluster_only_hvparams() -> None:
    assert sorted(hv.CLUSTER_ONLY) == facts("hvparams")["_meta"]["cluster_only_params"]


def test_other_sets() -> None:
    compare(be.BE, facts("beparams")["params"])
    compare(nic.NIC, facts("nicparams")["params"])
    compare(nd.ND, facts("ndparams")["params"])
    only = {p["name"] for p in facts("ndparams")["params"] if p["cluster_or_group_only"]}
    assert only == nd.GROUP_ONLY


def test_states() -> None:
    tables = facts("ndparams")["state_params"]
    for ours, table in ((state.HV_STATE, "hv_state"), (state.DISK_STATE, "disk_state")):
        wanted = {name: param["default"] for name, param in tables[table].items()}
        assert dict(ours.defaults) == wanted
    assert list(state.DISK_STATE_TYPES) == tables["disk_state_types"]


@pytest.mark.parametrize("template", list(DiskTemplate))
def test_disk_parameters(template: DiskTemplate) -> None:
    table = facts("diskparams")["templates"][template]
    compare(disk.SETS[template], table["template_params"])
    device = disk.device_params(template, disk.DEFAULTS[template])
    assert device == {name: p["default"] for name, p in in_3_1(table["device_params"]).items()}
    assert templates.STORAGE_TYPE[template] == table["storage_type"]


def test_ipolicy() -> None:
    table = facts("ipolicy")
    assert table["defaults"] == ipolicy.DEFAULTS
    assert sorted(ipolicy.KEYS) == table["keys"]
    assert sorted(ipolicy.SPEC_KEYS) == [key["name"] for key in table["spec_keys"]]


def test_template_tables() -> None:
    table = facts("constants")["disks"]
    groups = {
        "block": templates.BLOCK,
        "copyable": templates.COPYABLE,
        "excl_storage": templates.EXCLUSIVE_STORAGE,
        "ext_mirror": templates.EXTERNALLY_MIRRORED,
        "filebased": templates.FILE_BASED,
        "growable": templates.GROWABLE,
        "have_access": templates.HAVE_ACCESS,
        "instance_dependent_path": templates.NAME_IN_PATH,
        "int_mirror": templates.INTERNALLY_MIRRORED,
        "lvm": templates.LVM,
        "may_adopt": templates.MAY_ADOPT,
        "mirrored": templates.MIRRORED,
        "must_adopt": templates.MUST_ADOPT,
        "no_free_space_check": templates.FREE_SPACE_UNCHECKED,
        "not_convertible_from": templates.NOT_CONVERTIBLE_FROM,
        "not_convertible_to": templates.NOT_CONVERTIBLE_TO,
        "snapshot_capable": templates.SNAPSHOTS,
    }
    for name, ours in groups.items():
        assert sorted(ours) == table["groups"][name], name
    assert list(templates.PREFERENCE) == table["preference_order"]
    assert list(templates.DEFAULT_ENABLED) == table["default_enabled"]
    assert table["drbd"]["DRBD_META_SIZE"] == templates.DRBD_META_MIB


# Waits are no resource of Ganeti's: docs/differences.md.
OURS = enums.QueryResource.WAIT


@pytest.mark.parametrize(
    ("ours", "group", "key"),
    [
        (enums.AdminState, "instances", "admin_states"),
        (enums.AdminStateSource, "instances", "admin_state_sources"),
        (enums.AllocPolicy, "nodes", "alloc_policies"),
        (enums.AllocatorMode, "iallocator", "modes"),
        (enums.DiskTemplate, "disks", "templates"),
        (enums.EvacMode, "nodes", "evac_modes"),
        (enums.FileDriver, "disks", "file_drivers"),
        (enums.Hypervisor, "hypervisors", "all"),
        (enums.InstanceCreateMode, "instances", "create_modes"),
        (enums.InstanceStatus, "instances", "statuses"),
        (enums.JobStatus, "jobs", "statuses"),
        (enums.ListChange, "instances", "device_mod_ops"),
        (enums.LogType, "jobs", "log_types"),
        (set(enums.QueryResource) - {OURS}, "query", "resources"),
        (enums.RebootType, "instances", "reboot_types"),
        (enums.ReplaceDisksMode, "instances", "replace_disk_modes"),
        (enums.SshKeyType, "ssh", "key_types"),
        (enums.StorageType, "disks", "storage_types"),
        (enums.TagKind, "tags", "kinds"),
        (verify_codes.OptionalCheck, "verify", "optional_checks"),
    ],
)
def test_enums(ours: Any, group: str, key: str) -> None:
    assert sorted(ours) == sorted(facts("constants")[group][key])


def test_verify_codes() -> None:
    wanted = {e["code"]: e["object"] for e in facts("constants")["verify"]["error_codes"]}
    assert dict(verify_codes.OBJECT_TYPE) == wanted
    assert set(verify_codes.VerifyCode) == set(wanted)
