"""Power by an out-of-band program, and restricted commands, with real daemons."""

from pathlib import Path

from tests.e2e.vcluster import Cluster, virtual_cluster

# Keeps for each node a file that says whether it is on.
PROGRAM = """#!/bin/sh
cd {state} || exit 1
case $1 in
  power-on) touch $2 ;;
  power-off) rm -f $2 ;;
  power-status) [ -e $2 ] && echo '{{"powered": true}}' || echo '{{"powered": false}}' ;;
  health) echo '[["FAN 1", "WARNING"]]' ;;
  *) echo "no such command $1" >&2; exit 1 ;;
esac
"""


def give_program(cluster: Cluster) -> Path:
    """A program for all nodes, which are on; where it keeps that."""
    state = cluster.base / "power"
    state.mkdir()
    for node in cluster.nodes:
        (state / node).touch()
    program = cluster.base / "oob"
    program.write_text(PROGRAM.format(state=state))
    program.chmod(0o755)
    cluster.gnt("cluster", "modify", "--node-parameters", f"oob_program={program}")
    return state


def test_nodes_are_switched_by_their_program() -> None:
    with virtual_cluster(size=2) as cluster:
        cluster.init(hypervisor="fake")
        cluster.add_nodes()
        unable = cluster.gnt("node", "power", "status", "node2", code=1)
        assert unable.stdout.splitlines()[-1].split() == ["node2", "(unavail)"]
        state = give_program(cluster)

        cluster.gnt("node", "power", "--force", "off", "node2")
        assert not (state / "node2").exists()
        assert cluster.listed("node", "role,powered") == [["M", "Y"], ["O", "N"]]
        refused = cluster.gnt("node", "modify", "--offline=no", "node2", code=1)
        assert "node2 is switched off" in refused.stderr
        cluster.gnt("node", "power", "on", "node2")
        assert (state / "node2").exists()
        cluster.gnt("node", "modify", "--offline=no", "node2")

        (state / "node2").unlink()
        said = cluster.gnt("node", "power", "--no-headers", "--separator=:", "status")
        assert said.stdout.splitlines()[-2:] == ["node1:powered", "node2:unpowered"]
        assert "node2 is recorded as on and is off" in said.stdout + said.stderr
        said = cluster.gnt("node", "health", "--no-headers", "--separator=:", "node2")
        assert said.stdout.splitlines()[-1] == "node2:FAN 1=WARNING"
        failed = cluster.gnt("node", "power", "--force", "cycle", "node2", code=1)
        assert "no such command power-cycle" in failed.stdout + failed.stderr
        refused = cluster.gnt("node", "power", "--force", "cycle", "node1", code=1)
        assert f"{cluster.base}/oob power-cycle node1" in refused.stderr


def test_the_cluster_is_switched_off_and_on() -> None:
    with virtual_cluster(size=2) as cluster:
        cluster.init(hypervisor="fake")
        cluster.add_nodes()
        state = give_program(cluster)
        cluster.gnt(
            "instance", "add", "-t", "diskless", "-o", "micro+default", "--no-install",
            "--no-nics", "--ignore-ipolicy", "-n", "node2", "web1.example.com",
        )  # fmt: skip
        cluster.gnt("instance", "startup", "web1.example.com")
        cluster.gnt("cluster", "epo", "--force", "--all")
        assert sorted(path.name for path in state.iterdir()) == ["node1"]
        fields = "admin_state,oper_state"
        assert cluster.listed("instance", fields) == [["up", "N"]]
        cluster.gnt("cluster", "epo", "--on", "--force", "--all", "--power-delay", "0.1")
        assert (state / "node2").exists()
        assert cluster.listed("instance", fields) == [["up", "Y"]]


def test_restricted_commands_run_where_they_are_allowed() -> None:
    with virtual_cluster(size=2) as cluster:
        cluster.init(hypervisor="fake")
        cluster.add_nodes()
        directory = cluster.root("node2") / "etc/ganeti/restricted-commands"
        directory.mkdir(mode=0o755)
        command = directory / "hello"
        command.write_text("#!/bin/sh\necho hello $#\n")
        command.chmod(0o755)
        said = cluster.gnt("node", "restricted-command", "-M", "hello", "node2")
        assert said.stdout.splitlines()[-1] == "node2: hello 0"
        command.chmod(0o775)
        failed = cluster.gnt("node", "restricted-command", "hello", "node2", code=1)
        assert "was not run, the node's log says why" in failed.stdout
        log = cluster.root("node2") / "var/log/ganeti/node-daemon.log"
        assert "can be changed by others" in log.read_text()


def test_a_virtual_node_is_not_rebooted() -> None:
    with virtual_cluster(size=1) as cluster:
        cluster.init(hypervisor="fake")
        refused = cluster.gnt("node", "powercycle", "--yes", "--force", "node1", code=1)
        assert "a virtual node cannot be rebooted" in refused.stderr
