"""Dynamic loads of instances: ``--dynu-file``.

    text -> parse_loads -> loads by name -> with_loads -> Cluster

Source: hbal(1), ``-U``: a line an instance, its name and four numbers.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from pyganeti.htools.errors import InputError
from pyganeti.htools.model import Cluster, Util

from . import values
from .values import BadValue

_COLUMNS: Final = 5


def parse_loads(text: str) -> dict[str, Util]:
    """Loads by the names of instances; of a name that comes twice the last counts.

    Raises:
        InputError: a line that is not a name and four numbers.
    """
    loads: dict[str, Util] = {}
    for line in text.removesuffix("\n").split("\n") if text else ():
        words = line.split(" ")
        if len(words) != _COLUMNS:
            raise InputError(f"Cannot parse line {line}")
        try:
            numbers = [values.number(words[0], word) for word in words[1:]]
        except BadValue as bad:
            raise InputError(str(bad)) from bad
        loads[words[0]] = Util(*numbers)
    return loads


def with_loads(cluster: Cluster, loads: Mapping[str, Util]) -> Cluster:
    """``cluster`` with what is known of its instances; others keep what they have."""
    placed = (replace(i, util=loads.get(i.name, i.util)) for i in cluster.instances)
    return replace(cluster, instances=tuple(placed))
