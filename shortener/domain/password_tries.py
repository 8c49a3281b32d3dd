"""Tries of passwords: how many wrong ones a link takes, and how long who has tried too many must wait.

Times are milliseconds since 1970.
"""

from collections.abc import Sequence
from dataclasses import dataclass

#: Wrong passwords that a network (/24 or /48) may try on a link before it has to wait. Each further one doubles that.
FREE_TRIES = 5
FIRST_WAIT_MS, LONGEST_WAIT_MS = 1_000, 3_600_000
#: Wrong passwords that a link takes from all networks together. One network alone tries some 40 in a day, so it
#: cannot use them up for others. With what LINK_WAIT_MS admits it is fewer than 2,000 of 10,000 four-digit numbers.
MOST_TRIES = 500
#: Beyond MOST_TRIES, the wait between two tries of all networks together that have not tried a wrong one.
LINK_WAIT_MS = 60_000
#: After so long a try is forgotten: a day.
FORGET_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Tries:
    """Wrong passwords that have been tried on a link and are not forgotten."""

    #: When the network that asks has tried one.
    of_network: Sequence[int]
    #: When anybody last did.
    last: int | None
    #: When the one was tried that is MOST_TRIES-th from the end; None if there were fewer.
    limiting: int | None


def allowed_from(tries: Tries) -> int:
    """From when on the network may try a password; 0 if it has not to wait."""
    if tries.limiting is not None and tries.last is not None:
        limit_ends = tries.limiting + FORGET_MS
        if tries.of_network:
            return min(limit_ends, max(tries.of_network) + FORGET_MS)
        return min(limit_ends, tries.last + LINK_WAIT_MS)
    beyond = len(tries.of_network) - FREE_TRIES
    if beyond < 0:
        return 0
    return max(tries.of_network) + min(FIRST_WAIT_MS << beyond, LONGEST_WAIT_MS)


def link_allows_from(tries: Tries) -> int:
    """From when on anybody may try a password on the link; 0 if its limit is not reached."""
    if tries.limiting is None or tries.last is None:
        return 0
    return min(tries.limiting + FORGET_MS, tries.last + LINK_WAIT_MS)
