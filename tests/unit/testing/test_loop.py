"""The event loop of simulations."""

import threading
from concurrent.futures import ThreadPoolExecutor

from pyganeti.testing.loop import VirtualLoop


class Slow(ThreadPoolExecutor):
    """An executor that takes a while to end, as on a loaded machine."""

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End, after a pause."""
        threading.Event().wait(0.2)
        super().shutdown(wait, cancel_futures=cancel_futures)


def test_it_ends_on_a_loaded_machine_too() -> None:
    loop = VirtualLoop()
    loop.set_default_executor(Slow(1))
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()
