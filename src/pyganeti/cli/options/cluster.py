"""Options of ``gnt-cluster``.

Data only: what an option is called, what it takes and where its value goes.

Source: gnt-cluster(8).
"""

from typing import Final

from pyganeti.cli.option import Option, switch, unswitch

ADD_UIDS: Final = Option(("--add-uids",), "add_uids", "user ids to add to the pool")
CANDIDATE_POOL_SIZE: Final = Option(
    ("-C", "--candidate-pool-size"),
    "candidate_pool_size",
    "how many master candidates to keep",
    kind="int",
)
CLUSTER_DOMAIN_SECRET: Final = Option(
    ("--cluster-domain-secret",),
    "cluster_domain_secret",
    "file to read the new cluster domain secret from",
)
CLUSTER_FILE_STORAGE_DIR: Final = Option(
    ("--file-storage-dir",), "file_storage_dir", "directory of file disks", metavar="DIR"
)
COMPRESSION_TOOLS: Final = Option(
    ("--compression-tools",), "compression_tools", "compression programs, separated by commas"
)
DATA_COLLECTOR_INTERVAL: Final = Option(
    ("--data-collector-interval",),
    "data_collector_interval",
    "seconds between two runs of a data collector",
    kind="keyval",
    default=(),
)
DEFAULT_IALLOCATOR: Final = Option(
    ("-I", "--default-iallocator"),
    "default_iallocator",
    "allocator to use when none is given",
    metavar="<NAME>",
)
DEFAULT_IALLOCATOR_PARAMS: Final = Option(
    ("--default-iallocator-params",),
    "default_iallocator_params",
    "parameters of the default allocator",
    kind="keyval",
)
DRBD_HELPER: Final = Option(("--drbd-usermode-helper",), "drbd_helper", "DRBD user-mode helper")
ENABLED_DATA_COLLECTORS: Final = Option(
    ("--enabled-data-collectors",),
    "enabled_data_collectors",
    "switch data collectors on or off",
    kind="keyval",
    default=(),
)
ENABLED_DISK_TEMPLATES: Final = Option(
    ("--enabled-disk-templates",),
    "enabled_disk_templates",
    "disk templates in use, separated by commas; the first is the default",
)
ENABLED_HYPERVISORS: Final = Option(
    ("--enabled-hypervisors",),
    "enabled_hypervisors",
    "hypervisors in use, separated by commas; the first is the default",
)
ENABLED_USER_SHUTDOWN: Final = Option(
    ("--user-shutdown",),
    "enabled_user_shutdown",
    "whether guests may shut themselves down",
    kind="bool",
)
ERROR_CODES: Final = switch(
    ("--error-codes",), "error_codes", "print findings in a form that programs can read"
)
FAILURE_ONLY: Final = switch(("--failure-only",), "failure_only", "hide commands that succeeded")
GLUSTER_STORAGE_DIR: Final = Option(
    ("--gluster-storage-dir",),
    "gluster_storage_dir",
    "directory of Gluster disks",
    default="/var/run/ganeti/gluster",
    metavar="GLUSTERDIR",
)
GROUPS: Final = switch(("--groups",), "groups", "the arguments are names of node groups")
IGNORE_ERRORS: Final = Option(
    ("-I", "--ignore-errors"),
    "ignore_errors",
    "take this finding as a warning; may be given several times",
    action="append",
    kind="choice",
    choices=(
        "ECLUSTERCERT",
        "ECLUSTERCFG",
        "ECLUSTERCLIENTCERT",
        "ECLUSTERDANGLINGINST",
        "ECLUSTERDANGLINGNODES",
        "ECLUSTERFILECHECK",
        "EEXTAGS",
        "EGROUPDIFFERENTPVSIZE",
        "EINSTANCEBADNODE",
        "EINSTANCEDOWN",
        "EINSTANCEFAULTYDISK",
        "EINSTANCELAYOUT",
        "EINSTANCEMISSINGCFGPARAMETER",
        "EINSTANCEMISSINGDISK",
        "EINSTANCEPOLICY",
        "EINSTANCESPLITGROUPS",
        "EINSTANCEUNSUITABLENODE",
        "EINSTANCEWRONGNODE",
        "ENODEDRBD",
        "ENODEDRBDHELPER",
        "ENODEDRBDVERSION",
        "ENODEFILECHECK",
        "ENODEFILESTORAGEPATHS",
        "ENODEFILESTORAGEPATHUNUSABLE",
        "ENODEGLUSTERSTORAGEPATHUNUSABLE",
        "ENODEHOOKS",
        "ENODEHV",
        "ENODELVM",
        "ENODEN1",
        "ENODENET",
        "ENODEOOBPATH",
        "ENODEORPHANINSTANCE",
        "ENODEORPHANLV",
        "ENODEOS",
        "ENODERPC",
        "ENODESETUP",
        "ENODESHAREDFILESTORAGEPATHUNUSABLE",
        "ENODESSH",
        "ENODETIME",
        "ENODEUSERSCRIPTS",
        "ENODEVERSION",
    ),
    default=(),
)
IGNORE_OFFLINE_NODES: Final = Option(
    ("--ignore-offline-nodes",),
    "ignore_offline_nodes",
    "whether offline nodes count for nothing: yes or no",
    default=True,
)
INSTALL_IMAGE: Final = Option(
    ("--install-image",), "install_image", "image of the guest that runs untrusted OS scripts"
)
INSTANCE_COMMUNICATION_NETWORK: Final = Option(
    ("--instance-communication-network",),
    "instance_communication_network",
    "network of the communication NICs",
)
IPOLICY_STD_SPECS: Final = Option(
    ("--ipolicy-std-specs",), "ipolicy_std_specs", "the standard instance", kind="keyval"
)
ISPECS_CPU_COUNT: Final = Option(
    ("--specs-cpu-count",),
    "ispecs_cpu_count",
    "limits on CPUs: min, max, std",
    kind="keyval",
    default=(),
)
ISPECS_DISK_COUNT: Final = Option(
    ("--specs-disk-count",),
    "ispecs_disk_count",
    "limits on the number of disks: min, max, std",
    kind="keyval",
    default=(),
)
ISPECS_DISK_SIZE: Final = Option(
    ("--specs-disk-size",),
    "ispecs_disk_size",
    "limits on the size of a disk: min, max, std",
    kind="keyval",
    default=(),
)
ISPECS_MEM_SIZE: Final = Option(
    ("--specs-mem-size",),
    "ispecs_mem_size",
    "limits on memory: min, max, std",
    kind="keyval",
    default=(),
)
ISPECS_NIC_COUNT: Final = Option(
    ("--specs-nic-count",),
    "ispecs_nic_count",
    "limits on the number of NICs: min, max, std",
    kind="keyval",
    default=(),
)
MAINTAIN_NODE_HEALTH: Final = Option(
    ("--maintain-node-health",),
    "maintain_node_health",
    "whether the watcher cleans up on offline nodes",
    kind="bool",
    metavar="yes|no",
)
MASTER_NETDEV: Final = Option(
    ("--master-netdev",), "master_netdev", "interface of the master's address", metavar="NETDEV"
)
MASTER_NETMASK: Final = Option(
    ("--master-netmask",),
    "master_netmask",
    "prefix length of the master's address",
    metavar="NETMASK",
)
MAX_RUNNING_JOBS: Final = Option(
    ("--max-running-jobs",),
    "max_running_jobs",
    "how many jobs may wait for locks or run at once",
    kind="int",
)
MAX_TRACKED_JOBS: Final = Option(
    ("--max-tracked-jobs",),
    "max_tracked_jobs",
    "kept for other programs: no job needs to be tracked",
    kind="int",
)
MODIFY_ETC_HOSTS: Final = Option(
    ("--modify-etc-hosts",),
    "modify_etc_hosts",
    "whether /etc/hosts is kept up to date",
    kind="bool",
    metavar="yes|no",
)
MODIFY_SSH_SETUP: Final = unswitch(
    ("--no-ssh-init",), "modify_ssh_setup", "leave the SSH keys alone"
)
NEW_CLUSTER_CERT: Final = switch(
    ("--new-cluster-certificate",), "new_cluster_cert", "make a new cluster certificate"
)
NEW_CLUSTER_DOMAIN_SECRET: Final = switch(
    ("--new-cluster-domain-secret",),
    "new_cluster_domain_secret",
    "make a new cluster domain secret",
)
NEW_CONFD_HMAC_KEY: Final = switch(
    ("--new-confd-hmac-key",), "new_confd_hmac_key", "make a new key for confd"
)
NEW_NODE_CERT: Final = switch(
    ("--new-node-certificates",), "new_node_cert", "make new node certificates"
)
NEW_RAPI_CERT: Final = Option(
    ("--new-rapi-certificate",),
    "new_rapi_cert",
    "make a new certificate for the remote API",
    action="store_true",
)
NEW_SPICE_CERT: Final = Option(
    ("--new-spice-certificate",),
    "new_spice_cert",
    "make a new SPICE certificate",
    action="store_true",
)
NEW_SSH_KEYS: Final = switch(("--new-ssh-keys",), "new_ssh_keys", "make new SSH keys")
NO_ETC_HOSTS: Final = unswitch(("--no-etc-hosts",), "modify_etc_hosts", "leave /etc/hosts alone")
NO_STRICT: Final = switch(("--no-strict",), "no_strict", "do not check that disks are consistent")
NO_VOTING: Final = switch(("--no-voting",), "no_voting", "do not ask the other nodes")
ON: Final = switch(("--on",), "on", "switch on again")
PREALLOC_WIPE_DISKS: Final = Option(
    ("--prealloc-wipe-disks",),
    "prealloc_wipe_disks",
    "whether disks are wiped before use",
    kind="bool",
    metavar="yes|no",
)
PRIMARY_IP_VERSION: Final = Option(
    ("--primary-ip-version",),
    "primary_ip_version",
    "IP version of primary addresses",
    default=4,
    metavar="4|6",
)
RAPI_CERT: Final = Option(
    ("--rapi-certificate",), "rapi_cert", "file of the certificate for the remote API"
)
REMOVE_UIDS: Final = Option(("--remove-uids",), "remove_uids", "user ids to take out of the pool")
RESERVED_LVS: Final = Option(
    ("--reserved-lvs",), "reserved_lvs", "names of logical volumes to leave alone"
)
RESUME: Final = switch(("--resume",), "resume", "go on with an interrupted upgrade")
SHARED_FILE_STORAGE_DIR: Final = Option(
    ("--shared-file-storage-dir",),
    "shared_file_storage_dir",
    "directory of shared file disks",
    metavar="SHAREDDIR",
)
SIMULATE_ERRORS: Final = switch(
    ("--debug-simulate-errors",), "simulate_errors", "report every possible finding"
)
SKIP_HVPARAM_ASSESSMENT: Final = switch(
    ("--no-hv-param-assessment",), "skip_hvparam_assessment", "do not assess hypervisor parameters"
)
SKIP_NPLUSONE_MEM: Final = switch(
    ("--no-nplus1-mem",), "skip_nplusone_mem", "do not check memory for failovers"
)
SPICE_CACERT: Final = Option(
    ("--spice-ca-certificate",), "spice_cacert", "file of the CA of the SPICE certificate"
)
SPICE_CERT: Final = Option(("--spice-certificate",), "spice_cert", "file of the SPICE certificate")
SSH_KEY_BITS: Final = Option(("--ssh-key-bits",), "ssh_key_bits", "length of SSH keys", kind="int")
SSH_KEY_TYPE: Final = Option(
    ("--ssh-key-type",),
    "ssh_key_type",
    "type of SSH keys",
    kind="choice",
    choices=("dsa", "ecdsa", "rsa"),
)
TO_VERSION: Final = Option(("--to",), "to", "version to upgrade to")
UID_POOL: Final = Option(
    ("--uid-pool",), "uid_pool", "user ids for guests: numbers and ranges, separated by commas"
)
USE_EXTERNAL_MIP_SCRIPT: Final = Option(
    ("--use-external-mip-script",),
    "use_external_mip_script",
    "whether the site's script sets up the master's address",
    kind="bool",
    metavar="yes|no",
)
USE_REPLICATION_NETWORK: Final = switch(
    ("--use-replication-network",), "use_replication_network", "copy over the secondary addresses"
)
VERIFY_CLUTTER: Final = switch(
    ("--verify-ssh-clutter",), "verify_clutter", "look for stale SSH keys"
)
VG_NAME: Final = Option(("--vg-name",), "vg_name", "LVM volume group", metavar="VG")
YES_DO_IT: Final = switch(("--yes-do-it",), "yes_do_it", "do it without asking")
ZEROING_IMAGE: Final = Option(
    ("--zeroing-image",), "zeroing_image", "image of the guest that fills free space with zeros"
)
