"""What nodes keep in their ssconf files."""

import json
from pathlib import Path

from pyganeti.model.change import Change
from pyganeti.model.ssconf import changed_values, ssconf_values

from . import make

KEYS = json.loads((Path(__file__).parents[2] / "spec" / "constants.json").read_text())["ssconf"]


def test_keys_are_those_of_the_table() -> None:
    assert list(ssconf_values(make.view())) == sorted(KEYS["keys"])


def test_values() -> None:
    view = make.view(
        make.node(1),
        make.node(2, offline=True),
        make.network(),
        make.instance(10),
        make.instance(9),
    )
    values = ssconf_values(view)
    wanted = {
        "cluster_name": "cluster.example.com",
        "cluster_tags": "prod",
        "enabled_user_shutdown": "False",
        "hypervisor_list": "fake\nkvm",
        "instance_list": "web9.example.com\nweb10.example.com",
        "master_candidates": "node1.example.com",
        "master_candidates_certs": "node-1=digest1",
        "master_candidates_ips": "192.0.2.1",
        "master_node": "node1.example.com",
        "networks": "network-1 lan",
        "node_list": "node1.example.com\nnode2.example.com",
        "node_primary_ips": "node1.example.com 192.0.2.1\nnode2.example.com 192.0.2.2",
        "node_vm_capable": "node1.example.com=True\nnode2.example.com=True",
        "nodegroups": "group-1 default",
        "offline_nodes": "node2.example.com",
        "online_nodes": "node1.example.com",
        "primary_ip_family": "2",
        "release_version": "3.1.0",
        "ssh_ports": "node1.example.com=2222\nnode2.example.com=2222",
        "uid_pool": "1000-1009\n2000",
        "hvparams_fake": "migration_mode=live",
    }
    assert {key: values[key] for key in wanted} == wanted
    assert "acpi=False" in values["hvparams_kvm"].splitlines()
    assert not any(value.endswith("\n") for value in values.values())


def test_only_what_changed_is_sent() -> None:
    view = make.view()
    after = view.apply(Change((make.instance(1),)))
    changed = changed_values(ssconf_values(view), ssconf_values(after))
    assert changed == {"instance_list": "web1.example.com"}
