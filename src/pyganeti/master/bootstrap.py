"""The beginning and the end of a cluster, and what a joining node is given.

Called by the three commands that have no master to ask: ``gnt-cluster init`` and ``destroy``, and
``gnt-node add`` for what only this node's disk has. Blocking; runs as root on the master node.
Source: gnt-cluster(8) INIT, DESTROY; layout facts; ``docs/design/0002-node-calls.md``.
"""

import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

from pyganeti.kit import tls
from pyganeti.kit.clock import now
from pyganeti.kit.files import read_bytes, remove, write_atomic
from pyganeti.kit.ids import SystemIds
from pyganeti.kit.paths import Paths
from pyganeti.kit.process import Command, ProcessError, run_blocking
from pyganeti.kit.resolver import UnknownHost, own_hostname, resolve
from pyganeti.master import new_keys
from pyganeti.master.config import config_writes
from pyganeti.master.initial import initial_objects
from pyganeti.master.key_files import KeyFiles
from pyganeti.master.own_machine import check_drbd_helper, check_machine, check_volume_group
from pyganeti.model.change import Change
from pyganeti.model.enums import FINALIZED, DiskTemplate
from pyganeti.model.errors import (
    ECode,
    GenericError,
    OpExecError,
    OpPrereqError,
    ResolverError,
)
from pyganeti.model.names import check_hostname
from pyganeti.model.ssconf import ssconf_values
from pyganeti.model.ssh_keys import check_kind
from pyganeti.model.view import ClusterView
from pyganeti.store.interface import CONFIG_SERIAL, Put, Table, Transaction
from pyganeti.store.sqlite import SqliteBackend

# Any: option values, checked by initial_objects.
Options = Mapping[str, Any]

_DAEMON_TIMEOUT_S: Final = 180.0
_SSCONF_MODE: Final = 0o444


def init_cluster(paths: Paths, options: Options) -> None:
    """Found a cluster with this node as master, and start its daemons.

    Args:
        paths: this node.
        options: settings by the names of ``gnt-cluster init``'s options.

    Raises:
        OpPrereqError: a setting is wrong, a name has no address, or the node has a cluster already;
            nothing was changed.
        OpExecError: a daemon did not start; everything made was removed again.
    """
    if os.path.exists(paths.server_pem) or os.path.exists(paths.database):
        raise OpPrereqError("Cluster is already initialised", ECode.STATE)
    cluster_name = check_hostname(str(options["cluster_name"]))
    node_name = own_hostname(paths)
    version = int(options.get("primary_ip_version") or 4)
    addresses = {name: _address(paths, name, version) for name in (cluster_name, node_name)}
    if addresses[cluster_name] == addresses[node_name]:
        text = f"cluster {cluster_name} and node {node_name} have the same address"
        raise OpPrereqError(f"{text} {addresses[node_name]}", ECode.NOTUNIQUE)
    if paths.is_virtual:
        # Its names stand in a file of its own, which vcluster-setup wrote.
        options = {**options, "modify_etc_hosts": False}
    view = initial_objects(
        options,
        node_name=node_name,
        node_ip=addresses[node_name],
        master_ip=addresses[cluster_name],
        ids=SystemIds(),
        now=now(),
        host_key=_host_key(paths),
    )
    if view.cluster.modify_ssh_setup:
        check_kind(view.cluster.ssh_key_type, view.cluster.ssh_key_bits)
    if not paths.is_virtual:
        netdev = view.cluster.master_netdev
        check_machine(node_name, addresses[node_name], addresses[cluster_name], netdev)
        if view.cluster.volume_group_name:
            check_volume_group(view.cluster.volume_group_name)
        if DiskTemplate.DRBD in view.cluster.enabled_disk_templates:
            check_drbd_helper(view.cluster.drbd_usermode_helper)
    try:
        _run_tool("layout")
        _write_all(paths, view)
        _daemon_util("start-all")
        _post_init(paths)
    except (GenericError, OSError) as err:
        with suppress(GenericError):
            finalize_destroy(paths)
        if not paths.is_virtual:
            _drop_address(view)
        raise OpExecError(
            f"the cluster could not be started, nothing is left of it: {err}"
        ) from err


def _drop_address(view: ClusterView) -> None:
    """Take away the cluster's address, which a master that was ready may have configured."""
    cluster = view.cluster
    place = f"{cluster.master_ip}/{cluster.master_netmask}"
    # It fails where there is no such address, which is what is wanted.
    with suppress(ProcessError):
        run_blocking(Command(("ip", "address", "del", place, "dev", cluster.master_netdev)))


def _address(paths: Paths, name: str, version: int) -> str:
    try:
        return resolve(paths, name, version=version)[1]
    except UnknownHost as err:
        raise ResolverError(name, "resolver_error", str(err)) from err


def _host_key(paths: Paths) -> str:
    """The machine's public ssh host key; a virtual node has none."""
    if paths.is_virtual:
        return ""
    text = (read_bytes("/etc/ssh/ssh_host_rsa_key.pub") or b"").decode("utf-8", "replace")
    return " ".join(text.split()[:2])


def _write_all(paths: Paths, view: ClusterView) -> None:
    """Keys, then the database, then the files that follow from it."""
    cluster, node = view.cluster, view.master_node
    authority = tls.make_ca(cluster.cluster_name, now())
    pem = tls.issue_node_certificate(authority, node.name, node.uuid, now())
    write_atomic(paths.ca_cert, authority.certificate, mode=0o444)
    write_atomic(paths.ca_key, authority.key, mode=0o440)
    write_atomic(paths.server_pem, pem, mode=0o440)
    write_atomic(paths.client_pem, pem, mode=0o440)
    others = new_keys.Wanted(rapi=True, spice=True, hmac=True, secret=True)
    new_keys.write(paths, new_keys.make(paths, others, cluster.cluster_name))
    certs = {node.uuid: tls.certificate_digest(pem)}
    change = Change(puts=(_with_certs(view, certs),))
    view = view.apply(change)
    _write_database(paths, view)
    for key, value in ssconf_values(view).items():
        text = f"{value}\n" if value else ""
        write_atomic(paths.ssconf(key), text.encode(), mode=_SSCONF_MODE)


def _with_certs(view: ClusterView, certs: dict[str, str]) -> Any:  # Any: a Cluster
    import msgspec

    return msgspec.structs.replace(view.cluster, candidate_certs=certs)


def _write_database(paths: Paths, view: ClusterView) -> None:
    everything = Change(
        puts=(
            view.cluster,
            *view.groups.values(),
            *view.nodes.values(),
        )
    )
    backend = SqliteBackend(paths.database)
    try:
        serial = Put(Table.META, CONFIG_SERIAL, str(view.serial).encode())
        backend.apply(Transaction(1, (*config_writes(everything), serial)))
    finally:
        backend.close()


def _daemon_util(*words: str) -> None:
    _run_tool("daemon_util", *words)


def _run_tool(tool: str, *words: str) -> None:
    """Run one of our own tools in a process of its own: the layers forbid to import it here."""
    command = Command(
        (sys.executable, "-P", "-m", f"pyganeti.tools.{tool}", *words),
        env=dict(os.environ),
        timeout_s=_DAEMON_TIMEOUT_S,
    )
    try:
        run_blocking(command)
    except ProcessError as err:
        raise OpExecError(f"{' '.join((tool, *words))}: {err}") from err


def _post_init(paths: Paths) -> None:
    """Run the hooks of the new cluster, as a job."""
    from pyganeti.wire.luxi.client import LuxiClient

    client = LuxiClient(paths.master_socket)
    try:
        job = client.submit_job([{"OP_ID": "OP_CLUSTER_POST_INIT"}])
        while (found := client.query_jobs([job], ["status"])[0]) is not None:
            if found[0] in FINALIZED:
                break
            client.wait_for_job_change(job, ["status"], found, None, 30)
    finally:
        client.close()


def finalize_destroy(paths: Paths) -> None:
    """Stop the daemons and remove what makes this node a member.

    Raises:
        OpExecError: a daemon could not be stopped.
    """
    _daemon_util("stop-all")
    for path in _state(paths):
        remove(path)
    for directory in (paths.queue_dir, paths.archive_dir):
        _empty(directory)


def _state(paths: Paths) -> list[str]:
    single = [
        paths.ca_cert,
        paths.ca_key,
        paths.ca_next,
        paths.client_pem,
        paths.config_file,
        paths.database,
        f"{paths.database}-mark",
        f"{paths.database}-shm",
        f"{paths.database}-wal",
        paths.domain_secret,
        paths.epoch_file,
        paths.hmac_key,
        paths.known_hosts,
        paths.rapi_pem,
        paths.spice_ca_pem,
        paths.spice_pem,
        paths.server_pem,
    ]
    try:
        names = os.listdir(paths.data_dir)
    except FileNotFoundError:
        names = []
    return single + [f"{paths.data_dir}/{name}" for name in names if name.startswith("ssconf_")]


def _empty(directory: str) -> None:
    """Remove the job files of the cluster that ends."""
    for root, _, files in os.walk(directory):
        for name in files:
            remove(os.path.join(root, name))


def issue_node_files(paths: Paths, node_name: str, node_uuid: str) -> dict[str, str]:
    """The files a joining node is given, by name below its data directory.

    Raises:
        ConfigurationError: this node has not the cluster's keys: it is no master candidate.
    """
    authority = KeyFiles(paths).authority()
    pem = tls.issue_node_certificate(authority, node_name, node_uuid, now()).decode("ascii")
    files = {"ca.pem": authority.certificate.decode("ascii"), "server.pem": pem, "client.pem": pem}
    # With the ssconf files it knows whose calls to admit, before it is a member. A name with a dot
    # is one that is being written.
    names = os.listdir(paths.data_dir)
    shared = [name for name in names if name.startswith("ssconf_") and "." not in name]
    for name in ("hmac.key", "cluster-domain-secret", "rapi.pem", "known_hosts", *sorted(shared)):
        content = read_bytes(f"{paths.data_dir}/{name}")
        if content is not None:
            files[name] = content.decode("ascii")
    return files
