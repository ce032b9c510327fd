"""``config.data`` as somebody edited it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from pyganeti.model.checks import verify_config
from pyganeti.model.codec import decode_config, encode_config
from pyganeti.model.errors import GenericError
from pyganeti.model.view import ClusterView

from .checks import Unexpected, refused

_GOLDEN: Final = Path(__file__).parents[2] / "golden" / "config.data"


def good_config() -> bytes:
    """A configuration that can be taken."""
    return _GOLDEN.read_bytes()


class ConfigFile:
    """See the module."""

    name = "config-file"

    def seeds(self) -> Sequence[bytes]:
        """The golden one."""
        return [good_config()]

    def close(self) -> None:
        """Nothing to end."""

    def run(self, data: bytes) -> str:
        """Read it, as ``--take-config-file`` does, and write it again."""
        try:
            config = decode_config(data)
            view = ClusterView.from_config(config)
        except GenericError as err:
            return refused(err)
        problems = verify_config(view)
        again = encode_config(view.to_config())
        if not problems and encode_config(decode_config(again)) != again:
            raise Unexpected("a configuration reads otherwise")
        return "; ".join(sorted({problem.split()[0] for problem in problems})) or "taken"
