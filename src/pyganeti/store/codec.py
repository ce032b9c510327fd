"""How transactions and whole contents travel to candidates: MessagePack, since values are bytes."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import msgspec

from pyganeti.model.errors import ConfigurationError
from pyganeti.store.interface import Delete, Put, Table

_writes_decoder = msgspec.msgpack.Decoder(list[tuple[Table, str, bytes | None]])
_checksums_decoder = msgspec.msgpack.Decoder(dict[str, int])
# Of one piece: no loop is held up by it for long, no call is too large with it.
PIECE_BYTES: Final = 512 * 1024


def encode_writes(writes: tuple[Put | Delete, ...]) -> bytes:
    """``writes`` as ``[[table, key, value or nil], ...]``."""
    return msgspec.msgpack.encode(
        [
            (write.table, write.key, write.value if isinstance(write, Put) else None)
            for write in writes
        ]
    )


def decode_writes(data: bytes) -> tuple[Put | Delete, ...]:
    """Read what :func:`encode_writes` made.

    Raises:
        ConfigurationError: it is nothing of the kind.
    """
    try:
        rows = _writes_decoder.decode(data)
    except msgspec.DecodeError as err:
        raise ConfigurationError(f"malformed transaction: {err}") from err
    return tuple(
        Delete(table, key) if value is None else Put(table, key, value)
        for table, key, value in rows
    )


def encode_pieces(writes: Iterable[Put | Delete], size: int = PIECE_BYTES) -> Iterator[bytes]:
    """``writes`` in order, as :func:`encode_writes` has them, ``size`` bytes of values a piece."""
    piece: list[Put | Delete] = []
    room = size
    for write in writes:
        piece.append(write)
        room -= len(write.key) + (len(write.value) if isinstance(write, Put) else 0)
        if room <= 0:
            yield encode_writes(tuple(piece))
            piece, room = [], size
    if piece:
        yield encode_writes(tuple(piece))


def encode_checksums(found: Mapping[str, int]) -> bytes:
    """Checksums by key."""
    return msgspec.msgpack.encode(found)


def decode_checksums(data: bytes) -> dict[str, int]:
    """Read what :func:`encode_checksums` made.

    Raises:
        ConfigurationError: it is nothing of the kind.
    """
    try:
        return _checksums_decoder.decode(data)
    except msgspec.DecodeError as err:
        raise ConfigurationError(f"malformed checksums: {err}") from err
