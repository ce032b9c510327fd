"""URIs of disks as QEMU's block layer has them."""

from typing import Any

import pytest

from pyganeti.model.errors import HypervisorError
from pyganeti.node.hypervisor.kvm.uris import uri_node

NBD: dict[str, Any] = {"driver": "nbd"}  # Any: JSON
UNIX = {"type": "unix", "path": "/run/x y"}


def inet(host: str, port: str) -> dict[str, str]:
    return {"type": "inet", "host": host, "port": port}


@pytest.mark.parametrize(
    ("uri", "node"),
    [
        ("file:/srv/a%20b", {"driver": "file", "filename": "/srv/a%20b"}),
        ("file:///srv/a%20b", {"driver": "file", "filename": "/srv/a b"}),
        ("nbd:unix:/run/x y", {**NBD, "server": UNIX, "export": ""}),
        ("nbd:unix:/run/x y:exportname=v", {**NBD, "server": UNIX, "export": "v"}),
        ("nbd:filer:7:exportname=v", {**NBD, "server": inet("filer", "7"), "export": "v"}),
        ("nbd://filer/v%20w", {**NBD, "server": inet("filer", "10809"), "export": "v w"}),
        ("nbd://[2001:db8::1]:9/v", {**NBD, "server": inet("2001:db8::1", "9"), "export": "v"}),
        ("nbd+unix:///v?socket=/run/x%20y", {**NBD, "server": UNIX, "export": "v"}),
        ("rbd:pool/vol", {"driver": "rbd", "pool": "pool", "image": "vol"}),
        (
            "rbd:pool/vol@now:conf=/etc/c.conf:id=me",
            {"driver": "rbd", "pool": "pool", "image": "vol", "snapshot": "now",
             "conf": "/etc/c.conf", "user": "me"},
        ),
        (
            "gluster://filer/gv0/a/b.img",
            {"driver": "gluster", "volume": "gv0", "path": "a/b.img",
             "server": [inet("filer", "24007")]},
        ),
        (
            "gluster+unix:///gv0/a?socket=/run/x%20y",
            {"driver": "gluster", "volume": "gv0", "path": "a", "server": [UNIX]},
        ),
        (
            "iscsi://filer/iqn.2001-04.example:disk/3",
            {"driver": "iscsi", "transport": "tcp", "portal": "filer:3260",
             "target": "iqn.2001-04.example:disk", "lun": 3},
        ),
    ],
)  # fmt: skip
def test_reads(uri: str, node: dict[str, Any]) -> None:
    assert uri_node(uri) == node


@pytest.mark.parametrize(
    ("uri", "why"),
    [
        ("", "expected one of file, gluster"),
        ("/srv/disk", "expected one of file, gluster"),
        ('json:{"driver":"qcow2"}', "expected one of"),
        ("file:disk", "not absolute"),
        ("nbd:filer:seven", "invalid literal"),
        ("nbd://filer:99999/v", "Port out of range"),
        ("nbd+unix:///v?socket=/a&tls=1", "expected ?socket="),
        ("nbd+unix:///v", "expected ?socket="),
        ("nbd:unix:run", "names no socket"),
        ("nbd:///v", "names no host"),
        ("rbd:pool", "expected rbd:POOL/IMAGE"),
        ("rbd:pool/vol:key=secret", "option 'key' is not known"),
        ("gluster://filer/gv0", "expected gluster://"),
        ("iscsi://filer/target/x", "invalid literal"),
        ("iscsi://me%pw@filer/target/0", "expected iscsi://"),
    ],
)
def test_refuses(uri: str, why: str) -> None:
    with pytest.raises(HypervisorError) as error:
        uri_node(uri)
    assert why in str(error.value)
