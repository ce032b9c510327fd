"""What a virtual cluster finds out before it is made."""

import socket
from pathlib import Path

from tools.virtual import VirtualCluster, is_port_free


def test_a_listener_occupies_a_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert not is_port_free(*server.getsockname())


def test_ended_connections_do_not_occupy_a_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        place = server.getsockname()
        with socket.create_connection(place) as client:
            accepted, _peer = server.accept()
            # The side that closes first, the server's, waits in TIME-WAIT.
            accepted.close()
            assert client.recv(1) == b""
    assert is_port_free(*place)


def test_a_cluster_that_lacks_a_script_is_not_made(tmp_path: Path) -> None:
    cluster = VirtualCluster(tmp_path, tmp_path, network="127.77.9", size=2)
    assert not cluster.is_made()
    for node in cluster.nodes:
        cluster.root(node).mkdir()
        (cluster.root(node) / "cmd").touch()
    assert cluster.is_made()
    (cluster.root("node2") / "cmd").unlink()
    assert not cluster.is_made()
