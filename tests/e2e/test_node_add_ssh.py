"""Real machines join a cluster over ssh and leave it again, with real paths and addresses."""

import re
from collections.abc import Iterator

import pytest

from tests.e2e.hosts import DOMAIN, NETWORK, PASSWORD, Host, machines, skip_without_namespaces
from tests.e2e.prepare import BOOT
from tests.e2e.vcluster import wait_for

NODE_DAEMONS = ["ganeti-confd", "ganeti-mond", "ganeti-noded"]
MASTER_DAEMONS = ["ganeti-confd", "ganeti-masterd", "ganeti-mond", "ganeti-noded", "ganeti-rapi"]
CLUSTER = f"cluster.{DOMAIN}"
CLUSTER_IP = f"{NETWORK}.100"
OTHER = f"other.{DOMAIN}"
WEB = f"web1.{DOMAIN}"
STATE = ("/etc/ganeti", "/run/ganeti", "/srv", "/var/lib/ganeti")
LOCALHOST = "127.0.0.1\tlocalhost\n"
HOST_KEY_QUESTION = r"continue connecting \(yes/no"
# A definition that does nothing: what counts here is where it is found.
OS_SCRIPTS = ("create", "export", "import", "rename", "verify")

Pair = tuple[Host, Host]


@pytest.fixture
def pair() -> Iterator[Pair]:
    """Two free machines."""
    skip_without_namespaces()
    names = {CLUSTER: 100, OTHER: 101, WEB: 50}
    with machines("hosta", "hostb", others=names) as (first, second):
        yield first, second


def init(host: Host, name: str = CLUSTER, *options: str, hypervisors: str = "fake") -> None:
    """Found a cluster."""
    words = ["--master-netdev=eth0", "--enabled-disk-templates=file,diskless"]
    words += [f"--enabled-hypervisors={hypervisors}", *options]
    host.run("gnt-cluster", "init", *words, name)


def prepare_node(host: Host) -> None:
    """What a site puts on each of its machines."""
    host.write("/etc/ganeti/file-storage-paths", "/srv/ganeti/file-storage\n")
    host.path("/srv/ganeti/file-storage").mkdir(parents=True, exist_ok=True)
    place = "/srv/ganeti/os/nothing"
    host.write(f"{place}/ganeti_api_version", "20\n")
    host.write(f"{place}/variants.list", "default\n")
    host.write(f"{place}/parameters.list", "wish says nothing\n")
    for script in OS_SCRIPTS:
        host.write(f"{place}/{script}", "#!/bin/sh\n", mode=0o755)


def listed(host: Host, tool: str, fields: str) -> list[str]:
    """Lines of ``gnt-TOOL list``."""
    words = ("list", "--no-headers", "--separator=|", "-o", fields)
    return host.run(f"gnt-{tool}", *words).stdout.splitlines()


def membership(host: Host) -> dict[str, bytes]:
    """What makes a machine a member, without what its master writes all the time."""
    found = host.files("/var/lib/ganeti")
    names = (".pem", ".key", "ssconf_cluster_name", "ssconf_master_node", "ssconf_node_list")
    return {path: data for path, data in found.items() if path.endswith(names)}


def test_a_machine_joins_works_and_leaves(pair: Pair) -> None:
    first, second = pair
    for host in pair:
        prepare_node(host)
    before = {host: host.files(*STATE) for host in pair}
    init(first)
    assert first.addresses() == [first.address, CLUSTER_IP]
    assert first.daemons() == MASTER_DAEMONS
    in_hosts = LOCALHOST + f"{first.address}\t{first.name} hosta\n"
    assert first.path("/etc/hosts").read_text() == in_hosts

    second.authorize(first.make_key())
    dialog = first.dialog("gnt-node", "add", second.name)
    dialog.expect(f"{re.escape(second.fingerprint())}.*{HOST_KEY_QUESTION}", answer="yes")
    assert dialog.finish() == 0, dialog.said
    assert listed(first, "node", "name,role,pip") == [
        f"{first.name}|M|{first.address}",
        f"{second.name}|C|{second.address}",
    ]
    with_second = in_hosts + f"{second.address}\t{second.name} hostb\n"
    assert first.path("/etc/hosts").read_text() == with_second

    words = ("-t", "file", "--disk", "0:size=64m", "-o", "nothing+default", "--no-nics")
    first.run(
        "gnt-instance", "add", *words, "--no-name-check", "--no-ip-check", "-n", second.name,
        "--ignore-ipolicy", WEB,
    )  # fmt: skip
    assert listed(first, "instance", "name,pnode,status") == [f"{WEB}|{second.name}|running"]
    images = [path for path in second.files("/srv/ganeti/file-storage") if WEB in path]
    assert len(images) == 1
    said = first.run("gnt-cluster", "verify").stdout
    assert "ERROR" not in said
    # Its only warning: the instance lies outside the policy, as was asked for.
    warnings = [line for line in said.splitlines() if "WARNING" in line]
    assert len(warnings) == 1
    assert f"instance {WEB}: nic-count value 0" in warnings[0]
    first.run("gnt-instance", "remove", "--force", WEB)

    name = first.run("gnt-cluster", "command", "-n", second.name, "-M", "hostname").stdout
    assert f"{second.name}: {second.name}\n" in name
    first.run("gnt-cluster", "copyfile", "--use-replication-network", "/etc/hosts")
    assert second.path("/etc/hosts").read_text() == with_second
    keys = first.path("/root/.ssh/authorized_keys")
    assert [line.split()[-1] for line in keys.read_text().splitlines()] == [
        f"ganeti:{first.name}", f"ganeti:{second.name}",
    ]  # fmt: skip

    first.run("gnt-node", "remove", second.name)
    assert [line.split()[-1] for line in keys.read_text().splitlines()] == [f"ganeti:{first.name}"]
    known = first.path("/var/lib/ganeti/known_hosts").read_text()
    assert [line.split(",")[0] for line in known.splitlines()] == [first.name]
    wait_for(lambda: not second.daemons(), 10, "the node daemon to end")
    assert first.path("/etc/hosts").read_text() == in_hosts
    first.run("gnt-cluster", "destroy", "--yes-do-it")
    assert first.addresses() == [first.address]
    for host in pair:
        assert host.daemons() == []
        # Files that say which process runs stay, empty.
        left = {path: data for path, data in host.files(*STATE).items() if data}
        assert left == before[host]


def test_a_console_over_ssh(pair: Pair) -> None:
    first, second = pair
    init(first, CLUSTER, "--no-etc-hosts", hypervisors="kvm")
    second.authorize(first.make_key())
    dialog = first.dialog("gnt-node", "add", second.name)
    dialog.expect(HOST_KEY_QUESTION, answer="yes")
    assert dialog.finish() == 0, dialog.said
    kernel = f"kernel_path={BOOT / 'vmlinuz'},initrd_path={BOOT / 'initrd'}"
    first.run(
        "gnt-instance", "add", "-t", "diskless", "-o", "none", "--no-install", "--no-nics",
        "--no-name-check", "--no-ip-check", "--ignore-ipolicy", "-B", "memory=128m",
        "-H", f"kvm:kvm_path=/usr/bin/qemu-system-x86_64,{kernel}", "-n", second.name, WEB,
    )  # fmt: skip
    first.run("gnt-instance", "startup", WEB)
    shown = first.run("gnt-instance", "console", "--show-cmd", WEB).stdout
    assert shown.startswith("ssh ")
    assert f"root@{second.name}" in shown
    # Its host key is known from when the node was added, and the key of the user is asked for
    # nothing: the command reaches the other machine.
    reach = re.sub(rf"(root@{re.escape(second.name)}) .*", r"\1 hostname", shown.strip())
    assert first.run("sh", "-c", reach).stdout.strip() == second.name
    first.run("gnt-instance", "remove", "--force", "--shutdown-timeout=0", WEB)
    assert first.path("/etc/hosts").read_text() == LOCALHOST


def test_a_password_is_asked_for(pair: Pair) -> None:
    first, second = pair
    init(first)
    dialog = first.dialog("gnt-node", "add", second.name)
    dialog.expect(HOST_KEY_QUESTION, answer="yes")
    dialog.expect(r"password:", answer="wrong")
    dialog.expect(r"password:", answer=PASSWORD)
    assert dialog.finish() == 0, dialog.said
    assert second.daemons() == NODE_DAEMONS
    assert PASSWORD not in dialog.said


def test_an_agent_alone_is_enough(pair: Pair) -> None:
    first, second = pair
    init(first)
    second.authorize(first.make_key("elsewhere"))
    socket = "/run/agent"
    first.run("ssh-agent", "-a", socket)
    first.run("ssh-add", "/root/.ssh/elsewhere", SSH_AUTH_SOCK=socket)
    first.path("/root/.ssh/elsewhere").unlink()
    # Without a terminal nothing can be asked.
    first.run("gnt-node", "add", "--no-ssh-key-check", second.name, SSH_AUTH_SOCK=socket)
    assert listed(first, "node", "name") == [first.name, second.name]
    assert not first.path("/root/.ssh/known_hosts").exists()


def test_who_is_not_let_in_changes_nothing(pair: Pair) -> None:
    first, second = pair
    init(first)
    first.make_key()
    before = second.files(*STATE)
    failed = first.run("gnt-node", "add", "--no-ssh-key-check", second.name, code=12)
    assert failed.stderr == (
        f"Failure: cannot set up node '{second.name}': root@{second.name}: Permission denied"
        " (publickey,password).\n"
    )
    failed = first.run("gnt-node", "add", second.name, code=12)
    assert failed.stderr == (
        f"Failure: cannot set up node '{second.name}': Host key verification failed.\n"
    )
    dialog = first.dialog("gnt-node", "add", second.name)
    dialog.expect(HOST_KEY_QUESTION, answer="no")
    assert dialog.finish() == 12
    assert dialog.said.endswith("Host key verification failed.\n")
    assert second.files(*STATE) == before
    assert second.daemons() == []
    assert listed(first, "node", "name") == [first.name]


def test_a_member_of_another_cluster(pair: Pair) -> None:
    first, second = pair
    for host in pair:
        prepare_node(host)
    init(first)
    init(second, OTHER)
    second.authorize(first.make_key())
    before = membership(second)
    failed = first.run("gnt-node", "add", "--no-ssh-key-check", second.name, code=12)
    assert failed.stderr == (
        f"Failure: cannot set up node '{second.name}': node '{second.name}' already belongs to"
        f" cluster '{OTHER}': run node-cleanup there first, or use --force-join\n"
    )
    assert membership(second) == before
    assert second.daemons() == MASTER_DAEMONS
    assert listed(second, "node", "name") == [second.name]

    first.run("gnt-node", "add", "--no-ssh-key-check", "--force-join", second.name)
    assert second.daemons() == NODE_DAEMONS
    assert second.path("/var/lib/ganeti/ssconf_cluster_name").read_text().strip() == CLUSTER
    kept = [path for path in second.files("/var/backups") if path.endswith("/cluster.db")]
    assert len(kept) == 1
    first.run("gnt-cluster", "verify")
    assert listed(first, "node", "name") == [first.name, second.name]


def test_a_node_whose_daemon_cannot_start_is_free_again(pair: Pair) -> None:
    first, second = pair
    init(first)
    second.write("/etc/default/ganeti", 'NODED_ARGS="--bind 192.0.2.1"\n')
    second.authorize(first.make_key())
    failed = first.run("gnt-node", "add", "--no-ssh-key-check", second.name, code=12)
    assert "ganeti-noded ended while it started" in failed.stderr
    assert second.daemons() == []
    assert not any(second.files("/var/lib/ganeti", "/run/ganeti").values())
    assert listed(first, "node", "name") == [first.name]
    assert second.name not in first.path("/etc/hosts").read_text()


def test_verify_finds_out_where_nobody_can_log_in(pair: Pair) -> None:
    first, second = pair
    for host in pair:
        prepare_node(host)
    init(first)
    second.authorize(first.make_key())
    first.run("gnt-node", "add", "--no-ssh-key-check", second.name)
    assert "ENODESSH" not in first.run("gnt-cluster", "verify", "--error-codes").stdout
    # Both are candidates: each tries the other.
    keys = second.path("/root/.ssh/authorized_keys")
    kept = keys.read_text()
    keys.write_text("")
    said = first.run("gnt-cluster", "verify", "--error-codes", code=1).stdout
    (line,) = [line for line in said.splitlines() if "ENODESSH" in line]
    assert f"node:{first.name}:ssh communication with node '{second.name}':" in line
    assert "Permission denied" in line
    keys.write_text(kept)
    second.run("hostname", OTHER)
    said = first.run("gnt-cluster", "verify", "--error-codes", code=1).stdout
    assert f"expected {second.name}, got {OTHER}" in said


def test_what_the_cluster_refuses_is_free_again(pair: Pair) -> None:
    first, second = pair
    init(first)
    second.authorize(first.make_key())
    words = ("--no-ssh-key-check", "--secondary-ip", f"{NETWORK}.77")
    failed = first.run("gnt-node", "add", *words, second.name, code=1)
    assert "the master has no secondary ip but the new node has one" in failed.stderr
    assert second.daemons() == []
    assert not any(second.files("/var/lib/ganeti").values())


def test_daemons_of_a_real_machine(pair: Pair) -> None:
    first, _second = pair
    init(first)
    first.run("daemon-util", "stop-all")
    assert first.daemons() == []
    first.run("daemon-util", "check", "ganeti-noded", code=1)
    first.run("daemon-util", "start-all")
    assert first.daemons() == MASTER_DAEMONS
    assert first.run("gnt-cluster", "getmaster").stdout.strip() == first.name


def test_machines_that_cannot_be_masters(pair: Pair) -> None:
    first, second = pair
    words = ("gnt-cluster", "init", "--enabled-hypervisors=fake", "--enabled-disk-templates=file")
    failed = first.run(*words, "--master-netdev=br7", CLUSTER, code=1)
    assert "network interface 'br7' does not exist" in failed.stderr
    failed = first.run(*words, "--master-netdev=eth0", "--ssh-key-type=dsa", CLUSTER, code=1)
    assert "give another --ssh-key-type" in failed.stderr
    second.run("ip", "address", "add", f"{CLUSTER_IP}/32", "dev", "eth0")
    failed = first.run(*words, "--master-netdev=eth0", CLUSTER, code=1)
    assert f"cluster address {CLUSTER_IP} is in use" in failed.stderr
    first.write("/etc/hosts", f"127.0.1.1 {first.name}\n")
    failed = first.run(*words, "--master-netdev=eth0", CLUSTER, code=1)
    assert "stands for 127.0.1.1, which other nodes cannot reach" in failed.stderr
    assert not first.files("/var/lib/ganeti")
