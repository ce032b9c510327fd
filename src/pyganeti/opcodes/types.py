"""Types of opcode parameters and results, in the words the opcode table uses.

The ``description`` of a type is what a refused value's message says was expected.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from msgspec import Meta

# Any: parameters and results that hold whatever JSON holds; Logical Units check what is inside.
Json = Any
JsonObject = Mapping[str, Json]
AnyList = tuple[Json, ...]

NonEmptyString = Annotated[str, Meta(min_length=1, description="a string that is not empty")]
MaybeString = NonEmptyString | None
NonNegativeInt = Annotated[int, Meta(ge=0, description="an integer of 0 or more")]
PositiveInt = Annotated[int, Meta(ge=1, description="an integer above 0")]
DiskIndex = Annotated[int, Meta(ge=0, lt=16, description="a disk number from 0 to 15")]

JobId = Annotated[int, Meta(ge=0, description="a job id")]
RelativeJobId = int | Annotated[str, Meta(pattern="^-?[0-9]+$", description="a job id")]
FinalStatus = Literal["canceled", "error", "success"]
Depends = tuple[tuple[RelativeJobId, tuple[FinalStatus, ...]], ...]
Reason = tuple[tuple[str, str, int], ...]
Priority = Annotated[Literal[-10, 0, 10], Meta(description="a priority: -10, 0 or 10")]

INic = Mapping[str, Json]
"""A NIC as requested: see :class:`~pyganeti.opcodes.devices.INicParams`."""
IDisk = Mapping[str, Json]
"""A disk as requested: see :class:`~pyganeti.opcodes.devices.IDiskParams`."""
DeviceMods = tuple[tuple[Json, ...], ...]
"""Changes of a device list: see :func:`~pyganeti.opcodes.devices.device_changes`."""
RecreateDisks = tuple[int | tuple[DiskIndex, JsonObject], ...]
ExportTarget = str | AnyList
OsListChange = tuple[tuple[Literal["add", "remove"], NonEmptyString], ...]
UidRanges = tuple[tuple[int, int], ...]

JobIds = dict[str, list[tuple[bool, JobId | str]]]
"""Jobs that an opcode submitted: ``{"jobs": [[accepted, id or error], ...]}``."""
QueryStatus = Literal[0, 1, 2, 3, 4]
