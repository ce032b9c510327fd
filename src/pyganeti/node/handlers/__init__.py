"""What a node answers calls with: a noun a page, each a thin layer over drivers."""
