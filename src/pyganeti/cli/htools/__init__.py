"""The programs ``hail`` to ``hsqueeze``, and ``htools``, which is all of them."""
