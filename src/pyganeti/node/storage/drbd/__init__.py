"""DRBD devices: the state of the kernel's, and the commands that change it."""
