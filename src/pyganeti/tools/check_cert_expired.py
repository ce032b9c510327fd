"""``check-cert-expired``: succeeds if a certificate is valid no more, as scripts ask it.

Source: Ganeti's helper of this name.
"""

import sys
from collections.abc import Sequence
from typing import Final

from pyganeti.kit.clock import now
from pyganeti.kit.tls import expiry

EXPIRED: Final = 0
# Also where nobody can tell: a script must not throw away what it could not read.
NOT_EXPIRED: Final = 1


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; 0 if it has expired."""
    words = list(sys.argv[1:] if argv is None else argv)
    if len(words) != 1:
        print("usage: check-cert-expired CERTIFICATE", file=sys.stderr)
        return NOT_EXPIRED
    try:
        with open(words[0], "rb") as handle:
            return EXPIRED if expiry(handle.read()) <= now() else NOT_EXPIRED
    except OSError as err:
        print(f"check-cert-expired: {words[0]}: {err.strerror}", file=sys.stderr)
    except ValueError as err:
        print(f"check-cert-expired: {words[0]}: no certificate: {err}", file=sys.stderr)
    return NOT_EXPIRED


if __name__ == "__main__":
    sys.exit(main())
