"""OS definitions: finding, checking and running them."""
