"""Exports to another cluster and imports from one, as the master does them.

    prepare: key on the node -> handshake, key's name, certificate, all signed
    export:  client brings the destinations -> all disks at once, over TLS
    import:  key and listeners on the node -> job's log -> client -> source; disks come at once

Source: docs/design/0022-between-clusters.md.
"""

from typing import Any

import msgspec

from pyganeti.master.jobs.run import Run, undo
from pyganeti.master.nodes import NodeReader
from pyganeti.model.enums import LogType
from pyganeti.model.errors import ECode, OpPrereqError
from pyganeti.model.instance import Instance
from pyganeti.model.names import check_hostname
from pyganeti.model.remote import CONNECT_TIMEOUT_S, KEY_VALID_S, DiskTarget, magic_of
from pyganeti.opcodes.backup import OpBackupExport
from pyganeti.opcodes.instance import OpInstanceCreate
from pyganeti.wire.noderpc.remote import (
    RemoteDisk,
    RemoteListenCall,
    X509CreateCall,
    X509RemoveCall,
)


class RemoteTarget(msgspec.Struct, frozen=True):
    """Where an instance goes.

    Attributes:
        key: name of the key on its primary node.
        ca: certificate of the other end, as PEM.
        disks: where each is received.
    """

    key: str
    ca: str
    disks: tuple[RemoteDisk, ...]


class RemoteSource(msgspec.Struct, frozen=True):
    """Where an instance comes from.

    Attributes:
        name: of the instance there.
        ca: certificate of the other end, as PEM.
        wait_s: how long it has to connect.
        transfer: name of the transfer; empty before the node listens.
        key: of this node's key, likewise.
        magics: the word that the data of each disk begins with.
    """

    name: str
    ca: str
    compress: str
    wait_s: int
    transfer: str = ""
    key: str = ""
    magics: tuple[str, ...] = ()


def remote_target(op: OpBackupExport, instance: Instance, nodes: NodeReader) -> RemoteTarget:
    """What the client brought of the other cluster.

    Raises:
        OpPrereqError: something is missing, expired, or not signed with the domain secret.
    """
    if not isinstance(op.target_node, list | tuple):
        text = "a remote export needs the list of destinations as its target, one for each disk"
        raise OpPrereqError(text, ECode.INVAL)
    given, wanted = len(op.target_node), len(instance.disks)
    if given != wanted:
        text = f"there are {given} destinations, and instance {instance.name} has {wanted} disks"
        raise OpPrereqError(text, ECode.INVAL)
    secret = nodes.keys.domain_secret()
    key = secret.check_key_name(op.x509_key_name)
    ca = nodes.keys.check_certificate(op.destination_x509_ca, "the destination cluster")
    targets = (secret.check_disk_info(at, one) for at, one in enumerate(op.target_node))
    return RemoteTarget(key, ca, tuple(_remote_disk(one) for one in targets))


def remote_source(op: OpInstanceCreate, nodes: NodeReader) -> RemoteSource:
    """What the client brought of the source cluster.

    Raises:
        OpPrereqError: something is missing, expired, or not signed with the domain secret.
    """
    nodes.keys.domain_secret().check_handshake(op.source_handshake)
    ca = nodes.keys.check_certificate(op.source_x509_ca, "the source cluster")
    if not op.source_instance_name:
        raise OpPrereqError("the name of the instance at its source is missing", ECode.INVAL)
    if not op.disks:
        raise OpPrereqError("a remote import needs the sizes of the disks", ECode.INVAL)
    if op.no_install:
        text = "no_install has no meaning for an import, whose disks are not installed"
        raise OpPrereqError(text, ECode.INVAL)
    name = check_hostname(op.source_instance_name)
    # The source shuts its guest down before it connects.
    wait_s = CONNECT_TIMEOUT_S + op.source_shutdown_timeout
    return RemoteSource(name, ca, op.compress, wait_s)


async def prepare(run: Run, node: str) -> dict[str, Any]:  # Any: JSON
    """Make a key on ``node``; what the client is to bring to the other cluster."""
    name, secret = f"x509-{run.ids.uuid()}", run.keys.domain_secret()
    async with run.step("make key", undo("backup.remove_key", node=node, key=name)):
        call = X509CreateCall(name=name, validity_s=KEY_VALID_S)
        pem = await run.nodes.call(node, call)
    return {
        "handshake": secret.handshake(_salt(run)),
        "x509_key_name": secret.key_name(name, _salt(run)),
        "x509_ca": secret.sign_certificate(pem, _salt(run)),
    }


async def listen(run: Run, instance: Instance, source: RemoteSource) -> RemoteSource:
    """Let the node listen for all disks, and the client know where."""
    node, transfer = instance.primary_node, run.ids.uuid()
    key, count = f"x509-{run.ids.uuid()}", len(instance.disks)
    secret, host = run.keys.domain_secret(), run.config.view.node(node).primary_ip
    back = undo("backup.end_remote", node=node, transfer=transfer, key=key)
    async with run.step("listen for disks", back):
        pem = await run.nodes.call(node, X509CreateCall(name=key, validity_s=KEY_VALID_S))
        call = RemoteListenCall(transfer=transfer, host=host, count=count, key=key, ca=source.ca)
        ports = await run.nodes.call(node, call)
        # It was read: from now on it is in the daemon's memory alone.
        await run.nodes.call(node, X509RemoveCall(name=key))
    base = run.ids.uuid()
    magics = tuple(magic_of(base, instance.name, index) for index in range(count))
    targets = [DiskTarget(host, port, magic) for port, magic in zip(ports, magics, strict=True)]
    content = {
        "disks": [
            secret.disk_info(index, target, _salt(run)) for index, target in enumerate(targets)
        ],
        "x509_ca": secret.sign_certificate(pem, _salt(run)),
    }
    run.log("* waiting for the source cluster to send the disks")
    run.signals.tell(LogType.REMOTE_IMPORT, content)
    return msgspec.structs.replace(source, transfer=transfer, key=key, magics=magics)


async def confirm(run: Run, node: str, source: RemoteSource) -> None:
    """Keep what came, whatever comes; then tell the source so, which may remove its own."""
    back = undo("backup.confirm_remote", node=node, transfer=source.transfer)
    await run.finish("confirm import", back)


def _remote_disk(target: DiskTarget) -> RemoteDisk:
    return RemoteDisk(host=target.host, port=target.port, magic=target.magic)


def _salt(run: Run) -> str:
    return run.ids.uuid().replace("-", "")[:16]
