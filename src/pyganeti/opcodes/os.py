"""Opcodes on OS definitions and external storage providers."""

from typing import ClassVar

from .base import Opcode
from .types import Json, NonEmptyString


class OpExtStorageDiagnose(Opcode, frozen=True, kw_only=True):
    """Compare the external storage providers of all nodes."""

    RESULT: ClassVar[object] = list[list[Json]]

    output_fields: tuple[NonEmptyString, ...]
    names: tuple[NonEmptyString, ...] = ()


class OpOsDiagnose(Opcode, frozen=True, kw_only=True):
    """Compare the OS definitions of all nodes."""

    RESULT: ClassVar[object] = list[list[Json]]

    output_fields: tuple[NonEmptyString, ...]
    names: tuple[NonEmptyString, ...] = ()
