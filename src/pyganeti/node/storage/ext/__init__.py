"""Disks of external storage providers: their scripts, what they attached, and the driver."""
