"""``lvmstrap``: makes the volume group of a new node on its unused disks."""
