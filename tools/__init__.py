"""What the checkout's own scripts share; not part of the installed package."""
