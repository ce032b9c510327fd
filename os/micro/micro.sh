# What the scripts of the OS definition "micro" share. Sourced, never run.
#
# The image is one ext4 file system without a partition table: busybox, the files below guest/ and
# /etc/micro.conf, which says who the guest is. The kernel and the initial RAM disk come from the
# node (hvparams kernel_path and initrd_path, made by ./build-boot), so an image holds no modules.
#
# Programs needed on a node: busybox (static), mke2fs, e2fsck, debugfs, resize2fs, blockdev, dd.
# Tells the user on standard error: standard output carries the image in "export".

set -eu

MIN_SIZE_MIB=8
CONF=/etc/micro.conf
here=$(cd "$(dirname "$0")" && pwd)

die() {
  echo "micro: ${0##*/}: $*" >&2
  exit 1
}

need() {
  for program in "$@"; do
    command -v "$program" >/dev/null || die "the program '$program' is missing on this node"
  done
}

# The static busybox of this node. The ordinary package's one needs a C library the guest lacks.
find_busybox() {
  need busybox
  busybox=$(command -v busybox)
  if ldd "$busybox" 2>/dev/null | grep -q '=>'; then
    die "$busybox is not static: install busybox-static"
  fi
}

# scratch: make the directory $work, removed when the script ends.
scratch() {
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  trap 'exit 1' HUP INT TERM
}

size_bytes() {
  if [ -b "$1" ]; then blockdev --getsize64 "$1"; else stat -L -c %s "$1"; fi
}

# check_disk VARIABLE PATH: refuse a disk that is not given or cannot hold the guest.
check_disk() {
  [ -n "$2" ] || die "$1 is not set: the guest needs a disk that this node can open"
  [ -e "$2" ] || die "$1 is '$2', which does not exist"
  [ "$(size_bytes "$2")" -ge $((MIN_SIZE_MIB * 1048576)) ] ||
    die "disk '$2' is smaller than $MIN_SIZE_MIB MiB"
}

# Refuse what would break a line of the configuration or confuse the guest.
check_parameters() {
  newline='
'
  case "${OSP_MESSAGE-}${OSP_DNS-}${OSP_GATEWAY-}" in
  *"$newline"*) die "OS parameters must be single lines" ;;
  esac
  case "${OSP_HOSTNAME-}" in
  -* | *[!A-Za-z0-9.-]*) die "OS parameter hostname '$OSP_HOSTNAME' is not a host name" ;;
  esac
  case "${OSP_PREFIX-}" in
  *[!0-9]* | ????*) die "OS parameter prefix '$OSP_PREFIX' is not a number from 0 to 128" ;;
  esac
  [ "${OSP_PREFIX:-0}" -le 128 ] ||
    die "OS parameter prefix '$OSP_PREFIX' is not a number from 0 to 128"
  for address in ${OSP_DNS-} ${OSP_GATEWAY-}; do
    case "$address" in
    *[!0-9A-Fa-f.:]*) die "OS parameter dns or gateway: '$address' is not an IP address" ;;
    esac
  done
}

# nic_value NUMBER NAME: the environment's NIC_<NUMBER>_<NAME>, or nothing.
nic_value() {
  eval "printf '%s' \"\${NIC_$1_$2-}\""
}

# nic_line NUMBER: "nic=MAC ADDRESS/PREFIX GATEWAY", "-" for what is not known.
nic_line() {
  ip=$(nic_value "$1" IP)
  case "$ip" in
  *:*) version=6 length=64 ;;
  *) version='' length=24 ;;
  esac
  subnet=$(nic_value "$1" "NETWORK_SUBNET$version")
  gateway=$(nic_value "$1" "NETWORK_GATEWAY$version")
  if [ -n "$subnet" ]; then length=${subnet##*/}; else length=${OSP_PREFIX:-$length}; fi
  if [ "$1" = 0 ]; then gateway=${OSP_GATEWAY:-$gateway}; fi
  mac=$(nic_value "$1" MAC)
  if [ -n "$ip" ]; then address=$ip/$length; else address=-; fi
  echo "nic=${mac:--} $address ${gateway:--}"
}

# The content of /etc/micro.conf: KEY=VALUE lines, read by guest/etc/init.d/rcS.
guest_config() {
  echo "instance=$INSTANCE_NAME"
  echo "hostname=${OSP_HOSTNAME:-${INSTANCE_NAME%%.*}}"
  echo "message=${OSP_MESSAGE-}"
  echo "dns=${OSP_DNS-}"
  number=0
  while [ "$number" -lt "${NIC_COUNT:-0}" ]; do
    nic_line "$number"
    number=$((number + 1))
  done
}

# check_filesystem DISK: replay the journal of a guest that was not shut down cleanly.
check_filesystem() {
  status=0
  e2fsck -p "$1" >&2 || status=$?
  # 1 says that errors were corrected; from 4 on something is left.
  [ "$status" -lt 4 ] || die "e2fsck on '$1' ended with exit code $status"
}
