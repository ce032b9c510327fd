"""A name server for machines that tests make: ``python nameserver.py NAME=ADDRESS...``.

Answers questions for IPv4 addresses on 127.0.0.1 until it is ended. Standard library only: it runs
as a program of its own, in a network of its own. Source: RFC 1035, section 4.
"""

import socket
import struct
import sys
from typing import Final

_RESPONSE: Final = 0x8580  # an answer, authoritative, recursion asked for and available
_NO_SUCH_NAME: Final = 3
_TYPE_A: Final = 1
# Type A, class IN, 60 s to live, 4 bytes; the name is a pointer to the question.
_RECORD: Final = b"\xc0\x0c" + struct.pack("!HHIH", _TYPE_A, 1, 60, 4)


def answer(query: bytes, names: dict[str, str]) -> bytes:
    """The answer to a query with one question."""
    labels, place = [], 12
    while length := query[place]:
        labels.append(query[place + 1 : place + 1 + length].decode("ascii"))
        place += 1 + length
    (kind,) = struct.unpack_from("!H", query, place + 1)
    address = names.get(".".join(labels).lower())
    record = _RECORD + socket.inet_aton(address) if address and kind == _TYPE_A else b""
    flags = _RESPONSE | (0 if address else _NO_SUCH_NAME)
    header = query[:2] + struct.pack("!HHHHH", flags, 1, 1 if record else 0, 0, 0)
    return header + query[12 : place + 5] + record


def main() -> None:
    """Answer for ever."""
    names = dict(word.split("=", 1) for word in sys.argv[1:])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 53))
        while True:
            query, sender = server.recvfrom(512)
            server.sendto(answer(query, names), sender)


if __name__ == "__main__":
    main()
