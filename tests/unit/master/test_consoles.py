"""What clients are told of a console beside what its node says."""

from pyganeti.master.instances.consoles import console_object, with_ssh_port
from pyganeti.wire.noderpc.guests import ConsoleInfo
from tests.unit.query.test_live import world

SSH = ConsoleInfo(instance="web1", kind="ssh", host="node1", user="root", command=("cat", "a b"))


def test_a_command_is_run_where_the_node_listens_for_ssh() -> None:
    view = world(ndparams={"ssh_port": 2222})
    found = console_object(with_ssh_port(SSH, view.all_instances()[0], view))
    assert found == {
        "instance": "web1",
        "kind": "ssh",
        "host": "node1",
        "port": 2222,
        "user": "root",
        "command": ("cat", "a b"),
    }


def test_the_port_of_another_kind_is_its_own() -> None:
    view = world()
    vnc = ConsoleInfo(instance="web1", kind="vnc", host="node1", port=11000, display="5100")
    assert with_ssh_port(vnc, view.all_instances()[0], view) is vnc
