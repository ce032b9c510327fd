"""Logs of daemons: what does not get there."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from pyganeti.daemons.logs import set_up_logging


@pytest.fixture
def untouched() -> Iterator[None]:
    """What is set for the whole process is set back."""
    loggers = [logging.getLogger(name) for name in (None, "asyncio", "qemu")]
    before = [(logger, logger.level, list(logger.handlers)) for logger in loggers]
    yield
    for logger, level, handlers in before:
        logger.setLevel(level)
        for handler in [one for one in logger.handlers if one not in handlers]:
            logger.removeHandler(handler)
            handler.close()


@pytest.mark.usefixtures("untouched")
def test_what_is_said_to_qemu_is_not_logged(tmp_path: Path) -> None:
    path = tmp_path / "node-daemon.log"
    set_up_logging("ganeti-noded", str(path), debug=True, syslog="no")
    logging.getLogger("pyganeti.node").debug("of ours")
    # As the library does for each message, a child for each guest.
    logging.getLogger("qemu.qmp.qmp_client.web1").debug('--> {"password": "hush"}')
    logging.getLogger("qemu.qmp.protocol").info('--> {"password": "hush"}')
    text = path.read_text()
    assert "of ours" in text
    assert "hush" not in text
