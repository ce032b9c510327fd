"""The Logical Unit of each opcode that is built; one explicit, alphabetical line each."""

from typing import Any

from pyganeti.master.lu.backup.export import LUBackupExport
from pyganeti.master.lu.backup.prepare import LUBackupPrepare
from pyganeti.master.lu.backup.remove import LUBackupRemove
from pyganeti.master.lu.base import LogicalUnit
from pyganeti.master.lu.cluster.address import (
    LUClusterActivateMasterIp,
    LUClusterDeactivateMasterIp,
)
from pyganeti.master.lu.cluster.lifecycle import LUClusterDestroy, LUClusterPostInit
from pyganeti.master.lu.cluster.query import LUClusterConfigQuery, LUClusterQuery
from pyganeti.master.lu.cluster.redist_conf import LUClusterRedistConf
from pyganeti.master.lu.cluster.rename import LUClusterRename
from pyganeti.master.lu.cluster.renew_crypto import LUClusterRenewCrypto
from pyganeti.master.lu.cluster.repair_disk_sizes import LUClusterRepairDiskSizes
from pyganeti.master.lu.cluster.set_params.operation import LUClusterSetParams
from pyganeti.master.lu.cluster.verify import LUClusterVerify
from pyganeti.master.lu.cluster.verify_config import LUClusterVerifyConfig
from pyganeti.master.lu.cluster.verify_disks import LUClusterVerifyDisks, LUGroupVerifyDisks
from pyganeti.master.lu.cluster.verify_group import LUClusterVerifyGroup
from pyganeti.master.lu.group.add import LUGroupAdd
from pyganeti.master.lu.group.assign_nodes import LUGroupAssignNodes
from pyganeti.master.lu.group.evacuate import LUGroupEvacuate
from pyganeti.master.lu.group.remove import LUGroupRemove
from pyganeti.master.lu.group.rename import LUGroupRename
from pyganeti.master.lu.group.set_params import LUGroupSetParams
from pyganeti.master.lu.instance.change_group import LUInstanceChangeGroup
from pyganeti.master.lu.instance.console import LUInstanceConsole
from pyganeti.master.lu.instance.create import LUInstanceCreate
from pyganeti.master.lu.instance.disks import LUInstanceActivateDisks, LUInstanceDeactivateDisks
from pyganeti.master.lu.instance.failover import LUInstanceFailover
from pyganeti.master.lu.instance.grow_disk import LUInstanceGrowDisk
from pyganeti.master.lu.instance.migrate import LUInstanceMigrate
from pyganeti.master.lu.instance.move import LUInstanceMove
from pyganeti.master.lu.instance.multi_alloc import LUInstanceMultiAlloc
from pyganeti.master.lu.instance.query_data import LUInstanceQueryData
from pyganeti.master.lu.instance.reboot import LUInstanceReboot
from pyganeti.master.lu.instance.recreate_disks import LUInstanceRecreateDisks
from pyganeti.master.lu.instance.reinstall import LUInstanceReinstall
from pyganeti.master.lu.instance.remove import LUInstanceRemove
from pyganeti.master.lu.instance.rename import LUInstanceRename
from pyganeti.master.lu.instance.replace_disks import LUInstanceReplaceDisks
from pyganeti.master.lu.instance.set_params import LUInstanceSetParams
from pyganeti.master.lu.instance.shutdown import LUInstanceShutdown
from pyganeti.master.lu.instance.startup import LUInstanceStartup
from pyganeti.master.lu.network.add import LUNetworkAdd
from pyganeti.master.lu.network.connect import LUNetworkConnect
from pyganeti.master.lu.network.disconnect import LUNetworkDisconnect
from pyganeti.master.lu.network.remove import LUNetworkRemove
from pyganeti.master.lu.network.rename import LUNetworkRename
from pyganeti.master.lu.network.set_params import LUNetworkSetParams
from pyganeti.master.lu.node.add import LUNodeAdd
from pyganeti.master.lu.node.evacuate import LUNodeEvacuate
from pyganeti.master.lu.node.migrate import LUNodeMigrate
from pyganeti.master.lu.node.modify_storage import LUNodeModifyStorage
from pyganeti.master.lu.node.oob import LUOobCommand
from pyganeti.master.lu.node.powercycle import LUNodePowercycle
from pyganeti.master.lu.node.query_storage import LUNodeQueryStorage
from pyganeti.master.lu.node.queryvols import LUNodeQueryvols
from pyganeti.master.lu.node.remove import LUNodeRemove
from pyganeti.master.lu.node.repair_storage import LURepairNodeStorage
from pyganeti.master.lu.node.restricted_command import LURestrictedCommand
from pyganeti.master.lu.node.set_params import LUNodeSetParams
from pyganeti.master.lu.os.diagnose import LUOsDiagnose
from pyganeti.master.lu.query.query import LUQuery, LUQueryFields
from pyganeti.master.lu.storage.diagnose import LUExtStorageDiagnose
from pyganeti.master.lu.tags.tags import LUTagsDel, LUTagsGet, LUTagsSearch, LUTagsSet
from pyganeti.master.lu.test.allocator import LUTestAllocator
from pyganeti.master.lu.test.delay import LUTestDelay
from pyganeti.master.lu.test.dummy import LUTestDummy
from pyganeti.master.lu.test.jqueue import LUTestJqueue
from pyganeti.master.lu.test.os_params import LUTestOsParams
from pyganeti.opcodes.backup import OpBackupExport, OpBackupPrepare, OpBackupRemove
from pyganeti.opcodes.base import Opcode
from pyganeti.opcodes.cluster import (
    OpClusterActivateMasterIp,
    OpClusterConfigQuery,
    OpClusterDeactivateMasterIp,
    OpClusterDestroy,
    OpClusterPostInit,
    OpClusterQuery,
    OpClusterRedistConf,
    OpClusterRename,
    OpClusterRenewCrypto,
    OpClusterRepairDiskSizes,
    OpClusterSetParams,
    OpClusterVerify,
    OpClusterVerifyConfig,
    OpClusterVerifyDisks,
    OpClusterVerifyGroup,
)
from pyganeti.opcodes.group import (
    OpGroupAdd,
    OpGroupAssignNodes,
    OpGroupEvacuate,
    OpGroupRemove,
    OpGroupRename,
    OpGroupSetParams,
    OpGroupVerifyDisks,
)
from pyganeti.opcodes.instance import (
    OpInstanceActivateDisks,
    OpInstanceChangeGroup,
    OpInstanceConsole,
    OpInstanceCreate,
    OpInstanceDeactivateDisks,
    OpInstanceFailover,
    OpInstanceGrowDisk,
    OpInstanceMigrate,
    OpInstanceMove,
    OpInstanceMultiAlloc,
    OpInstanceQueryData,
    OpInstanceReboot,
    OpInstanceRecreateDisks,
    OpInstanceReinstall,
    OpInstanceRemove,
    OpInstanceRename,
    OpInstanceReplaceDisks,
    OpInstanceSetParams,
    OpInstanceShutdown,
    OpInstanceStartup,
)
from pyganeti.opcodes.network import (
    OpNetworkAdd,
    OpNetworkConnect,
    OpNetworkDisconnect,
    OpNetworkRemove,
    OpNetworkRename,
    OpNetworkSetParams,
)
from pyganeti.opcodes.node import (
    OpNodeAdd,
    OpNodeEvacuate,
    OpNodeMigrate,
    OpNodeModifyStorage,
    OpNodePowercycle,
    OpNodeQueryStorage,
    OpNodeQueryvols,
    OpNodeRemove,
    OpNodeSetParams,
    OpOobCommand,
    OpRepairNodeStorage,
    OpRestrictedCommand,
)
from pyganeti.opcodes.os import OpExtStorageDiagnose, OpOsDiagnose
from pyganeti.opcodes.query import OpQuery, OpQueryFields
from pyganeti.opcodes.tags import OpTagsDel, OpTagsGet, OpTagsSearch, OpTagsSet
from pyganeti.opcodes.test import (
    OpTestAllocator,
    OpTestDelay,
    OpTestDummy,
    OpTestJqueue,
    OpTestOsParams,
)

# Any: each Logical Unit has its own plan and result.
AnyLU = LogicalUnit[Any, Any, Any]

LOGICAL_UNITS: dict[type[Opcode], AnyLU] = {
    OpBackupExport: LUBackupExport(),
    OpBackupPrepare: LUBackupPrepare(),
    OpBackupRemove: LUBackupRemove(),
    OpClusterActivateMasterIp: LUClusterActivateMasterIp(),
    OpClusterConfigQuery: LUClusterConfigQuery(),
    OpClusterDeactivateMasterIp: LUClusterDeactivateMasterIp(),
    OpClusterDestroy: LUClusterDestroy(),
    OpClusterPostInit: LUClusterPostInit(),
    OpClusterQuery: LUClusterQuery(),
    OpClusterRedistConf: LUClusterRedistConf(),
    OpClusterRename: LUClusterRename(),
    OpClusterRenewCrypto: LUClusterRenewCrypto(),
    OpClusterRepairDiskSizes: LUClusterRepairDiskSizes(),
    OpClusterSetParams: LUClusterSetParams(),
    OpClusterVerify: LUClusterVerify(),
    OpClusterVerifyConfig: LUClusterVerifyConfig(),
    OpClusterVerifyDisks: LUClusterVerifyDisks(),
    OpClusterVerifyGroup: LUClusterVerifyGroup(),
    OpExtStorageDiagnose: LUExtStorageDiagnose(),
    OpGroupAdd: LUGroupAdd(),
    OpGroupAssignNodes: LUGroupAssignNodes(),
    OpGroupEvacuate: LUGroupEvacuate(),
    OpGroupRemove: LUGroupRemove(),
    OpGroupRename: LUGroupRename(),
    OpGroupSetParams: LUGroupSetParams(),
    OpGroupVerifyDisks: LUGroupVerifyDisks(),
    OpInstanceActivateDisks: LUInstanceActivateDisks(),
    OpInstanceChangeGroup: LUInstanceChangeGroup(),
    OpInstanceConsole: LUInstanceConsole(),
    OpInstanceCreate: LUInstanceCreate(),
    OpInstanceDeactivateDisks: LUInstanceDeactivateDisks(),
    OpInstanceFailover: LUInstanceFailover(),
    OpInstanceGrowDisk: LUInstanceGrowDisk(),
    OpInstanceMigrate: LUInstanceMigrate(),
    OpInstanceMove: LUInstanceMove(),
    OpInstanceMultiAlloc: LUInstanceMultiAlloc(),
    OpInstanceQueryData: LUInstanceQueryData(),
    OpInstanceReboot: LUInstanceReboot(),
    OpInstanceRecreateDisks: LUInstanceRecreateDisks(),
    OpInstanceReinstall: LUInstanceReinstall(),
    OpInstanceRemove: LUInstanceRemove(),
    OpInstanceRename: LUInstanceRename(),
    OpInstanceReplaceDisks: LUInstanceReplaceDisks(),
    OpInstanceSetParams: LUInstanceSetParams(),
    OpInstanceShutdown: LUInstanceShutdown(),
    OpInstanceStartup: LUInstanceStartup(),
    OpNetworkAdd: LUNetworkAdd(),
    OpNetworkConnect: LUNetworkConnect(),
    OpNetworkDisconnect: LUNetworkDisconnect(),
    OpNetworkRemove: LUNetworkRemove(),
    OpNetworkRename: LUNetworkRename(),
    OpNetworkSetParams: LUNetworkSetParams(),
    OpNodeAdd: LUNodeAdd(),
    OpNodeEvacuate: LUNodeEvacuate(),
    OpNodeMigrate: LUNodeMigrate(),
    OpNodeModifyStorage: LUNodeModifyStorage(),
    OpNodePowercycle: LUNodePowercycle(),
    OpNodeQueryStorage: LUNodeQueryStorage(),
    OpNodeQueryvols: LUNodeQueryvols(),
    OpNodeRemove: LUNodeRemove(),
    OpNodeSetParams: LUNodeSetParams(),
    OpOobCommand: LUOobCommand(),
    OpOsDiagnose: LUOsDiagnose(),
    OpQuery: LUQuery(),
    OpQueryFields: LUQueryFields(),
    OpRepairNodeStorage: LURepairNodeStorage(),
    OpRestrictedCommand: LURestrictedCommand(),
    OpTagsDel: LUTagsDel(),
    OpTagsGet: LUTagsGet(),
    OpTagsSearch: LUTagsSearch(),
    OpTagsSet: LUTagsSet(),
    OpTestAllocator: LUTestAllocator(),
    OpTestDelay: LUTestDelay(),
    OpTestDummy: LUTestDummy(),
    OpTestJqueue: LUTestJqueue(),
    OpTestOsParams: LUTestOsParams(),
}
