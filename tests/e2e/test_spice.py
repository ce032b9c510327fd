"""A console over SPICE with TLS, with what the cluster was founded with."""

import socket
import ssl
from glob import glob

import pytest

from tests.e2e.vcluster import MASTER, NAME, Cluster, micro

WEB = "web1.example.com"


def skip_without_spice() -> None:
    if not glob("/usr/lib/*/qemu/ui-spice-core.so"):
        pytest.skip("this QEMU has no SPICE")


def test_the_console_shows_the_clusters_certificate(cluster: Cluster) -> None:
    skip_without_spice()
    cluster.init()
    cluster.add_nodes()
    spice = "kvm:spice_bind=127.0.0.1,spice_use_tls=true"
    words = (*micro("node2"), "--no-nics", "--ignore-ipolicy", "-H", spice)
    cluster.gnt("instance", "add", *words, WEB)
    ((port,),) = cluster.listed("instance", "network_port")
    authority = cluster.root(MASTER) / "var/lib/ganeti/spice-ca.pem"
    context = ssl.create_default_context(cafile=str(authority))
    with (
        socket.create_connection(("127.0.0.1", int(port)), 30) as plain,
        context.wrap_socket(plain, server_hostname=NAME) as secure,
    ):
        shown = secure.getpeercert()
    assert shown is not None
    assert ("DNS", NAME) in shown["subjectAltName"]
