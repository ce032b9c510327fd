"""Node calls about disks that go to another cluster, and come from there.

Source: docs/design/0022-between-clusters.md.
"""

from typing import ClassVar

import msgspec

from .call import DAY_S, FAST_S, NodeCall
from .specs import DiskSpec, InstanceSpec


class RemoteDisk(msgspec.Struct, frozen=True, kw_only=True):
    """Where another cluster receives a disk, and the word that its data begins with."""

    host: str
    port: int
    magic: str


class X509CreateCall(NodeCall[str], frozen=True, kw_only=True):
    """Make a key and a certificate for one transfer; the certificate, as PEM.

    Attributes:
        name: under which the node keeps them.
        validity_s: how long the certificate is good.
    """

    procedure: ClassVar[str] = "x509_cert_create"
    timeout_s: ClassVar[float] = FAST_S
    changes: ClassVar[bool] = True

    name: str
    validity_s: int


class X509RemoveCall(NodeCall[None], frozen=True, kw_only=True):
    """Remove such a key; a missing one is a success."""

    procedure: ClassVar[str] = "x509_cert_remove"
    timeout_s: ClassVar[float] = FAST_S
    changes: ClassVar[bool] = True

    name: str


class RemoteExportCall(NodeCall[tuple[int, ...]], frozen=True, kw_only=True):
    """Send all disks to another cluster, each over a connection of its own; bytes of each.

    Attributes:
        instance: all its disks are usable on this node.
        devices: what is read of each: the disk, or a snapshot of it.
        targets: where each goes.
        key: name of this node's key.
        ca: certificate of the other end, as PEM.
        compress: how they travel.

    Raises: OpExecError, a script failed, or the other end is not there, is another, or gave up.
    """

    procedure: ClassVar[str] = "remote_export"
    timeout_s: ClassVar[float] = DAY_S
    changes: ClassVar[bool] = True
    long: ClassVar[bool] = True
    repeatable: ClassVar[bool] = False

    instance: InstanceSpec
    devices: tuple[DiskSpec, ...]
    targets: tuple[RemoteDisk, ...]
    key: str
    ca: str
    compress: str = "none"
    debug: int = 0


class RemoteListenCall(NodeCall[tuple[int, ...]], frozen=True, kw_only=True):
    """Listen for disks from another cluster; the port of each.

    Attributes:
        transfer: their name from now on.
        host: address to listen at.
        count: how many.
        key: name of this node's key.
        ca: certificate of the other end, as PEM.
    """

    procedure: ClassVar[str] = "remote_listen"
    timeout_s: ClassVar[float] = FAST_S
    changes: ClassVar[bool] = True

    transfer: str
    host: str
    count: int
    key: str
    ca: str


class RemoteImportCall(NodeCall[None], frozen=True, kw_only=True):
    """Run the import scripts with what comes; the other end is not told yet that all is well.

    Attributes:
        instance: all its disks are usable on this node.
        transfer: as of ``remote_listen``.
        magics: the word that the data of each disk must begin with.
        connect_timeout_s: how long the other end has to come.
        compress: how the disks travel.

    Raises: OpExecError, a script failed, nobody came, or what came broke off.
    """

    procedure: ClassVar[str] = "remote_import"
    timeout_s: ClassVar[float] = DAY_S
    changes: ClassVar[bool] = True
    long: ClassVar[bool] = True
    repeatable: ClassVar[bool] = False

    instance: InstanceSpec
    transfer: str
    magics: tuple[str, ...]
    connect_timeout_s: int
    compress: str = "none"
    debug: int = 0


class RemoteEndCall(NodeCall[None], frozen=True, kw_only=True):
    """Stop to listen, and tell the other end whether its disks are kept; repeatable.

    Attributes:
        kept: they are; otherwise the connections break off, which the other end takes for failure.
    """

    procedure: ClassVar[str] = "remote_end"
    timeout_s: ClassVar[float] = FAST_S
    changes: ClassVar[bool] = True

    transfer: str
    kept: bool


CALLS = (
    RemoteEndCall,
    RemoteExportCall,
    RemoteImportCall,
    RemoteListenCall,
    X509CreateCall,
    X509RemoveCall,
)
