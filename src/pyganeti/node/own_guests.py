"""A node ends all that runs on it, on its own: for the watcher, when nobody else can.

Guests are ended at once and not asked, since others may be told any moment to start them elsewhere;
then DRBD devices are taken down, so that those may write. Data on disks is not touched.
"""

import logging

from pyganeti.model.errors import GenericError
from pyganeti.model.params.hv import DEFAULTS
from pyganeti.wire.noderpc.specs import InstanceSpec

from .hypervisor.base import Hypervisor, Hypervisors
from .storage.drbd.device import Drbd

_log = logging.getLogger(__name__)


async def end_guests(hypervisors: Hypervisors, names: tuple[str, ...]) -> bool:
    """End all guests of the hypervisors ``names``; whether all are gone."""
    well = True
    for name in names:
        try:
            driver = hypervisors.driver(name)
            guests = await driver.names()
        except GenericError as err:
            _log.error("guests of %s cannot be looked at: %s", name, err)
            well = False
            continue
        for guest in guests:
            well &= await _end(driver, name, guest)
    return well


async def _end(driver: Hypervisor, hypervisor: str, guest: str) -> bool:
    _log.warning("ending %s: this node is marked offline", guest)
    hvparams = next((dict(found) for kind, found in DEFAULTS.items() if kind == hypervisor), {})
    # What else belongs to it is in the files that its start has left.
    spec = InstanceSpec(
        name=guest, uuid="", primary_node="", hypervisor=hypervisor, hvparams=hvparams
    )
    try:
        await driver.stop(spec, 0.0)
    except GenericError as err:
        _log.error("%s could not be ended: %s", guest, err)
        return False
    return True


async def end_devices(drbd: Drbd) -> bool:
    """Take all DRBD devices down; whether all are gone."""
    try:
        minors = sorted(await drbd.states())
    except GenericError as err:
        # A node without DRBD has none.
        _log.debug("DRBD cannot be asked: %s", err)
        return True
    well = True
    for minor in minors:
        _log.warning("taking DRBD device %d down: this node is marked offline", minor)
        try:
            await drbd.take_down(minor)
        except GenericError as err:
            _log.error("DRBD device %d could not be taken down: %s", minor, err)
            well = False
    return well
