"""How transactions and dumps travel to candidates: MessagePack, since values are bytes."""

from collections.abc import Mapping

import msgspec

from pyganeti.model.errors import ConfigurationError
from pyganeti.store.interface import Delete, Dump, Put, Table

_writes_decoder = msgspec.msgpack.Decoder(list[tuple[Table, str, bytes | None]])
_dump_decoder = msgspec.msgpack.Decoder(dict[Table, dict[str, bytes]])


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


def encode_dump(dump: Dump) -> bytes:
    """The contents of ``dump``; its seq travels beside it."""
    contents: Mapping[Table, Mapping[str, bytes]] = dump.contents
    return msgspec.msgpack.encode(contents)


def decode_dump(seq: int, data: bytes) -> Dump:
    """Read what :func:`encode_dump` made.

    Raises:
        ConfigurationError: it is nothing of the kind.
    """
    try:
        return Dump(seq, _dump_decoder.decode(data))
    except msgspec.DecodeError as err:
        raise ConfigurationError(f"malformed dump: {err}") from err
