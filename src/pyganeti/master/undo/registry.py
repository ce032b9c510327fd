"""Undo actions by the names under which the journal knows them; never rename one."""

from pyganeti.master.jobs.run import UndoRegistry
from pyganeti.master.undo import (
    backup,
    instance,
    instance_devices,
    instance_name,
    migration,
    mirror,
    node,
    tags,
)

UNDO_ACTIONS: UndoRegistry = {
    "backup.abandon": backup.abandon,
    "backup.end_transfer": backup.end_transfer,
    "disk.remove": instance.remove_disks,
    "disk.remove_copies": instance.remove_copies,
    "disk.rename_back": instance.rename_disks_back,
    "instance.activate_disks": instance.activate_disks,
    "instance.balloon": instance.balloon,
    "instance.deactivate_disks": instance.deactivate_disks,
    "instance.move_back": instance.move_back,
    "instance.place_disks": instance_devices.restore_places,
    "instance.remove_from_config": instance.remove_from_config,
    "instance.rename_disks_back": instance_name.rename_disks_back,
    "instance.restore": instance_devices.restore,
    "instance.restore_name": instance_name.restore,
    "instance.set_fields": instance.set_fields,
    "instance.start_again": instance.start_again,
    "instance.settle_move": instance.settle_move,
    "instance.settle_migration": migration.undo_migration,
    "instance.stop": instance.stop,
    "mirror.put_back": mirror.put_back,
    "mirror.reconnect": mirror.reconnect,
    "mirror.remove_part": mirror.remove_part,
    "mirror.set_secondary": mirror.restore_secondary,
    "node.end_tasks": node.end_tasks,
    "node.restore": node.restore,
    "node.restore_host": node.restore_host,
    "tags.change": tags.change,
}
