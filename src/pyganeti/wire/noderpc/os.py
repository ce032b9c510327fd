"""Node calls about OS definitions and external storage providers."""

from typing import ClassVar

import msgspec

from .call import FAST_S, NORMAL_S, NodeCall
from .struct import Params
from .types import (
    OsInfo,
    ProviderInfo,
)


class OsDiagnoseCall(NodeCall[tuple[OsInfo, ...]], frozen=True, kw_only=True):
    """All OS definitions, usable or not, in search order and then by name."""

    procedure: ClassVar[str] = "os_diagnose"
    timeout_s: ClassVar[float] = FAST_S


class OsValidateCall(NodeCall[bool], frozen=True, kw_only=True):
    """Check OS parameters with the definition's verify script.

    Attributes:
        required: whether a missing OS is an error; otherwise the answer is false.
        name: ``name`` or ``name+variant``.
        checks: ``("parameters",)``, or none.
        osparams: public parameters.
        osparams_private: private and secret ones; the script gets them, no text or log does.
        force_variant: accept a variant that the definition does not list.

    Raises: InvalidOS, missing, broken, or the script refused; its output is in the text, with
        ``<redacted>`` for private values.
    """

    procedure: ClassVar[str] = "os_validate"
    timeout_s: ClassVar[float] = FAST_S

    required: bool
    name: str
    checks: tuple[str, ...] = ("parameters",)
    osparams: Params = msgspec.field(default_factory=dict)
    osparams_private: Params = msgspec.field(default_factory=dict)
    force_variant: bool = False


class ExtStorageDiagnoseCall(NodeCall[tuple[ProviderInfo, ...]], frozen=True, kw_only=True):
    """All external storage providers, usable or not, in search order and then by name."""

    procedure: ClassVar[str] = "extstorage_diagnose"
    timeout_s: ClassVar[float] = FAST_S


class ExtStorageValidateCall(NodeCall[tuple[str, ...]], frozen=True, kw_only=True):
    """Check parameters with a provider's verify script; names of the scripts it has.

    Raises: StorageError, missing, broken, or it refused.
    """

    procedure: ClassVar[str] = "extstorage_validate"
    timeout_s: ClassVar[float] = NORMAL_S

    provider: str
    params: Params = msgspec.field(default_factory=dict)


CALLS = (ExtStorageDiagnoseCall, ExtStorageValidateCall, OsDiagnoseCall, OsValidateCall)
