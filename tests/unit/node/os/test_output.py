"""What is left of script output once secrets are out of it."""

import io
from pathlib import Path

import pytest

from pyganeti.node.os import output
from pyganeti.node.os.output import Secrets, redact_file


def streamed(secrets: Secrets, data: bytes) -> bytes:
    return b"".join(secrets.redact_stream(io.BytesIO(data)))


def test_values_of_four_characters_and_more_are_secrets() -> None:
    secrets = Secrets({"a": "abcd", "b": "xyz", "c": 12345, "d": True, "e": None})
    said = b"abcd xyz 12345 True None"
    assert secrets.redact(said) == b"<redacted> xyz <redacted> True None"
    assert not Secrets({"b": "xyz"})
    assert Secrets({}).redact(said) == said


def test_the_longest_value_is_taken() -> None:
    assert Secrets({"a": "pass", "b": "password"}).redact(b"password!") == b"<redacted>!"


def test_each_line_of_a_value_is_secret() -> None:
    secrets = Secrets({"key": "-----BEGIN\nline1\n  line2\n"})
    assert secrets.redact(b"+ line2\n> line1") == b"+ <redacted>\n> <redacted>"


@pytest.mark.parametrize("chunk", range(1, 12))
def test_a_stream_is_redacted_like_a_text(chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output, "_CHUNK_BYTES", chunk)
    secrets = Secrets({"a": "sesame", "b": "same", "c": "m\u00fcller"})
    data = "sesesame samesesame m\u00fcllersame sesam".encode()
    assert streamed(secrets, data) == secrets.redact(data)
    assert streamed(Secrets({}), data) == data


def test_a_log_keeps_its_mode(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("it is sesame\n")
    log.chmod(0o640)
    redact_file(str(log), Secrets({"a": "sesame"}))
    assert log.read_text() == "it is <redacted>\n"
    assert log.stat().st_mode & 0o777 == 0o640
    assert list(tmp_path.iterdir()) == [log]


def test_a_log_that_cannot_be_cleaned_is_emptied(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("it is sesame\n")
    (tmp_path / "log.redacted").mkdir()
    redact_file(str(log), Secrets({"a": "sesame"}))
    assert log.read_text() == ""


def test_a_removed_log_is_no_error(tmp_path: Path) -> None:
    redact_file(str(tmp_path / "none"), Secrets({"a": "sesame"}))
    assert list(tmp_path.iterdir()) == []
