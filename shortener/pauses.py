"""Pauses: how long a worker answers nobody, because Python looks for garbage.

A full collection looks through everything that lives, some 0.6 µs each. What is loaded before the fork is out of it
already (supervisor); here is what first requests load, build and compile: 40,000 objects and more.
"""

import gc
import time
from typing import Any

#: A collection that takes longer than this is longer than most requests.
LONG_SECONDS = 0.005
#: Pauses after which something is done. Not more: with what stays for good, what just happens to be there is left
#: alone too, and if that is garbage in circles later, it stays.
MOST_TIMES = 4


class _Pauses:
    """Takes what lives after a long full collection out of all that follow."""

    def __init__(self, long_seconds: float, most_times: int) -> None:
        self._long_seconds = long_seconds
        self._times_left = most_times
        self._began = 0.0

    def __call__(self, phase: str, info: dict[str, Any]) -> None:
        """What the collector calls when it begins and when it has ended."""
        if phase == "start":
            self._began = time.perf_counter()
        elif info["generation"] == 2 and self._times_left and time.perf_counter() - self._began >= self._long_seconds:
            self._times_left -= 1
            gc.freeze()


def shorten(long_seconds: float = LONG_SECONDS, most_times: int = MOST_TIMES) -> None:
    """From now on this process has only so many long pauses because of what it has loaded."""
    gc.callbacks.append(_Pauses(long_seconds, most_times))
