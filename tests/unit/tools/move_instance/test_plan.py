"""What move-instance asks of the clusters: requests the master knows."""

from typing import Any

import pytest

from pyganeti.opcodes.codec import decode
from pyganeti.tools.move_instance.options import parse
from pyganeti.tools.move_instance.plan import PlanError, creation, export, failure

READY = {"handshake": [0, "digest", "salt"], "x509_ca": "pem", "x509_key_name": ["k", "d", "s"]}


def info(**changes: Any) -> dict[str, Any]:
    """An instance as OP_INSTANCE_QUERY_DATA describes it."""
    nic = ["eth", "u", None, "aa:00:00:00:00:01", "bridged", "br0", "", None, None]
    found: dict[str, Any] = {
        "name": "web1", "os": "noop", "hypervisor": "kvm", "disk_template": "drbd",
        "config_state": "up", "disks": [{"size": 64, "mode": "rw", "name": None}], "nics": [nic],
        "be_instance": {"vcpus": 2}, "hv_instance": {"acpi": False}, "os_instance": {},
    }  # fmt: skip
    return found | changes


def request(*words: str, opportunistic: bool = False, **changes: Any) -> dict[str, Any]:
    options = parse(["here", "there", "web1", *words])
    return creation(info(**changes), READY, options, opportunistic=opportunistic)


def test_the_master_knows_the_request() -> None:
    found = request("-I", "hail", opportunistic=True)
    names = {"name": "instance_name", "os": "os_type"}
    op = {names.get(key, key): value for key, value in found.items() if key != "__version__"}
    decode({"OP_ID": "OP_INSTANCE_CREATE", **op})
    assert found["opportunistic_locking"]
    assert (found["start"], found["disk_template"]) == (True, "drbd")
    assert found["nics"] == [
        {"name": "eth", "mac": "aa:00:00:00:00:01", "mode": "bridged", "link": "br0"}
    ]


def test_options_come_before_what_it_has() -> None:
    words = ("-B", "-vcpus,maxmem=64", "-H", "acpi=True", "--net=0:network=front,mac=generate")
    found = request(*words, "--dest-instance-name=web9", "--dest-disk-template=plain")
    assert found["beparams"] == {"maxmem": "64"}
    assert found["hvparams"] == {"acpi": "True"}
    assert found["nics"] == [{"name": "eth", "mac": "generate", "network": "front"}]
    assert (found["name"], found["source_instance_name"]) == ("web9", "web1")
    assert found["disk_template"] == "plain"


def test_what_cannot_be_moved_is_refused() -> None:
    with pytest.raises(PlanError, match="private OS parameters p"):
        request(os_instance={"p": "<redacted>"})
    with pytest.raises(PlanError, match="no disks"):
        request(disks=[])
    with pytest.raises(PlanError, match="NIC 2"):
        request("--net=2:mac=generate")


@pytest.mark.parametrize("keep", [False, True])
def test_one_that_stays_may_be_down_while_it_is_sent(keep: bool) -> None:
    options = parse(["here", "there", "web1", *["--keep-source-instance"] * keep])
    found = export(READY, {"disks": [], "x509_ca": "pem"}, options)
    assert (found["remove_instance"], found.get("long_sleep", False)) == (not keep, keep)


@pytest.mark.parametrize(
    ("results", "found"),
    [
        ([["OpPrereqError", ["taken", "already_exists"]]], ("taken", "already_exists")),
        ([["OpExecError", ["broken"]]], ("broken", "")),
        (["canceled"], ("canceled", "")),
        ([], ("it says no reason", "")),
    ],
)
def test_why_a_job_failed(results: list[Any], found: tuple[str, str]) -> None:
    assert failure(results) == found
