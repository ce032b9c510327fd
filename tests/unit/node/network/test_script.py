"""Environment of the site's interface script, against the facts."""

import json
from pathlib import Path

from pyganeti.node.network.script import environment
from pyganeti.wire.noderpc.specs import (
    InstanceSpec,
    NetworkSpec,
    NicSpec,
)

SPEC = Path(__file__).parents[3] / "spec" / "nicparams.json"
NETWORK = NetworkSpec(
    name="net1",
    uuid="nu",
    network="192.0.2.0/24",
    gateway="192.0.2.1",
    network6="2001:db8::/64",
    gateway6="2001:db8::1",
    mac_prefix="aa:bb:cc",
    tags=("a", "b"),
)
NIC = NicSpec(
    mac="aa:00:00:01:02:03",
    ip="192.0.2.7",
    mode="bridged",
    link="br0",
    vlan=".10",
    name="first",
    uuid="u",
    network=NETWORK,
)


def instance(nic: NicSpec) -> InstanceSpec:
    return InstanceSpec(
        name="web1", uuid="i", primary_node="n", hypervisor="kvm", nics=(nic,), tags=("t1", "t2")
    )


def test_every_variable_of_the_facts_is_set_for_a_full_nic() -> None:
    facts = json.loads(SPEC.read_text())["setup_script_env"]
    names = [name.split()[0] for name in facts["common"] + facts["since_3.2"]]
    env = environment(instance(NIC), 0, "tap0", "up")
    assert sorted(env) == sorted(names)
    assert env["TAGS"] == "t1 t2"
    assert env["NETWORK_TAGS"] == "a b"
    assert env["INTERFACE_INDEX"] == "0"


def test_what_is_unset_is_absent() -> None:
    bare = NicSpec(mac="aa:00:00:01:02:03", mode="routed", link="100")
    env = environment(instance(bare), 0, "tap0", "down")
    assert "IP" not in env
    assert "BRIDGE" not in env
    assert not [name for name in env if name.startswith("NETWORK_")]
    assert env["ACTION"] == "down"
