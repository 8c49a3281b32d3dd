"""A flood of codes that no link has, in a process of its own: `python -m tests.acceptance.flood URL SPOOL CODES`.

Says as JSON what became of its memory and of its cache of links.
"""

import json
import re
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from shortener.clicks.salt import Salts
from shortener.clicks.spool import Spool
from shortener.redirect import cache
from shortener.redirect.cache import Cache
from shortener.redirect.entry import expand
from shortener.redirect.lookup import Lookup
from shortener.storage.engine import Database
from shortener.web.clicks import Recorder, Request
from tests.conftest import FIREFOX
from tests.entries import DEFAULTS, domains
from tests.spools import id_of

#: Links that are visited all the time, by one visit in so many.
KNOWN, EVERY = 1000, 100
_AGENT = FIREFOX.encode()


def flood(database: Database, spool: Path, unknown: int) -> dict[str, int | float]:
    """Asks for `unknown` codes that no link has, and in between for known links, as the edge does."""
    # No larger than it needs to be: one code too many would push out a link.
    entries = Cache(KNOWN)
    lookup = Lookup(database, entries, DEFAULTS, domains())
    salts = Salts(database)
    salts.refresh()
    writing = Spool(spool, id_of(database))
    recorder = Recorder(writing, salts, ())
    visitor = Request([(b"user-agent", _AGENT)], {b"user-agent": _AGENT}, "192.0.2.1", b"")
    known = [f"known{number}" for number in range(KNOWN)]
    for code in known:
        assert lookup.find_inline("", code) is not None
    before, began = _resident(), time.process_time()
    for number in range(unknown):
        # As long as the codes of the shortener itself.
        assert lookup.find_inline("", f"{number:07x}") is None
        if number % EVERY == 0:
            kept = entries.get(cache.key("", known[number // EVERY % KNOWN]))
            assert kept is not None, "a known link has been pushed out"
            recorder.record(expand(kept, DEFAULTS).click, visitor, time.time_ns() // 1_000_000)
    took, grown = time.process_time() - began, _resident() - before
    writing.close()
    lookup.close()
    return {
        "grown": grown,
        "cached": len(entries),
        "known": sum(cache.key("", code) in entries for code in known),
        "dropped": writing.dropped,
        "recorded": writing.appended,
        "microseconds": took / unknown * 1e6,
    }


def _resident() -> int:
    found = re.search(r"VmRSS:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found
    return int(found[1]) * 1024


def main(arguments: Sequence[str]) -> None:
    """Runs the flood that the command line asks for."""
    url, spool, unknown = arguments
    database = Database(url)
    json.dump(flood(database, Path(spool), int(unknown)), sys.stdout)
    database.close()


if __name__ == "__main__":
    main(sys.argv[1:])
