"""Logical volumes: LVM's programs, and disks on them."""
