"""Is this worker asked to stop? A long slice looks here between its steps.

The flag is one byte of memory shared with the pool's children, which are forked after this module
is loaded. Not a multiprocessing.Event: a child killed while it holds that one's lock blocks all.
"""

import mmap
from typing import Any

from celery import signals

FLAG = mmap.mmap(-1, 1)


@signals.worker_shutting_down.connect
def ask_to_stop(**_: Any) -> None:
    """Tell this worker's children, and this process, to stop after the present step."""
    FLAG[0] = 1


def stopping() -> bool:
    """True once the worker was asked to stop."""
    return FLAG[0] == 1
