"""Images of helpers, from this node and from servers that behave badly."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from pyganeti.kit.clock import SystemClock
from pyganeti.model.errors import OpExecError
from pyganeti.model.images import shown
from pyganeti.node import images

CONTENT = b"image" * 1000
ALLOWED = "Basic dXNlcjpzZXNhbWU="  # user:sesame


class Server(BaseHTTPRequestHandler):
    """Behaves as the path says."""

    def do_GET(self) -> None:
        """See ``BaseHTTPRequestHandler``."""
        if self.path.startswith("/closed") and self.headers["Authorization"] != ALLOWED:
            self.send_error(401)
            return
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", "file:///etc/hostname")
            self.end_headers()
            return
        self.send_response(200)
        size = {"/short": 2, "/huge": 1 << 40}.get(self.path, 1) * len(CONTENT)
        self.send_header("Content-Length", str(size))
        self.end_headers()
        self.wfile.write(CONTENT)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name there
        """See ``BaseHTTPRequestHandler``."""


@pytest.fixture
def server() -> Iterator[str]:
    """Where it is: host and port."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as http:
        thread = threading.Thread(target=http.serve_forever)
        thread.start()
        yield f"127.0.0.1:{http.server_port}"
        http.shutdown()
        thread.join()


async def fetch(image: str, tmp_path: Path) -> Path:
    path = tmp_path / "copies/u-1"
    size = await images.fetch(image, str(path), "install image", SystemClock())
    assert path.stat().st_size == size
    return path


async def test_user_and_password_are_sent(server: str, tmp_path: Path) -> None:
    copy = await fetch(f"http://user:sesame@{server}/closed", tmp_path)
    assert copy.read_bytes() == CONTENT
    assert copy.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("/closed?token=sesame", "HTTP status 401"),
        ("/short", "broken off after 5000 of 10000 bytes"),
        ("/huge", "more than the"),
        ("/moved", "302"),
    ],
)
async def test_what_a_server_does_wrong_is_named_without_secrets(
    server: str, tmp_path: Path, path: str, why: str
) -> None:
    with pytest.raises(OpExecError) as error:
        await fetch(f"http://user:sesame-2@{server}{path}", tmp_path)
    text = str(error.value)
    assert f"install image http://{server}{path.partition('?')[0]}: " in text
    assert why in text
    assert "sesame" not in text


@pytest.mark.parametrize(
    ("image", "why"),
    [
        ("{tmp}/empty", "it is empty"),
        ("{tmp}", "Is a directory"),
        ("/dev/null", "Not a regular file"),
        ("{tmp}/none", "No such file"),
        ("http://127.0.0.1:x/", "no usable answer"),
        ("http://[/", "no usable answer"),
    ],
)
async def test_what_is_no_image(tmp_path: Path, image: str, why: str) -> None:
    (tmp_path / "empty").touch()
    with pytest.raises(OpExecError, match=why):
        await fetch(image.format(tmp=tmp_path), tmp_path)


async def test_zeros_take_no_room(tmp_path: Path) -> None:
    image = tmp_path / "image"
    image.write_bytes(b"begin" + bytes(24 << 20) + b"end" + bytes(16 << 20))
    copy = await fetch(str(image), tmp_path)
    assert copy.read_bytes() == image.read_bytes()
    assert copy.stat().st_blocks * 512 <= 16 << 20


async def test_it_is_only_looked_at_before(server: str, tmp_path: Path) -> None:
    await images.check(f"http://{server}/any", "install image")
    with pytest.raises(OpExecError, match="No such file"):
        await images.check(f"{tmp_path}/none", "install image")


def test_shown() -> None:
    assert shown("/srv/a@b?c") == "/srv/a@b?c"
    assert shown("https://u:p@h:8/p?q=s#f") == "https://h:8/p"
    assert shown("http://u:p@[::1/x") == "(a malformed URL)"
