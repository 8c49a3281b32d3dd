"""What /metrics shows, of one process or of all that `shortener serve` has started.

Labels are bounded: never a code, a target or an address. Under the supervisor each process counts in files of its own
(prometheus_client's multiprocess mode), and whichever is asked adds all of them up. The files are named by what a
process does and not by its number: who is started in another's place goes on counting where that one ended, so sums
never fall and files never grow in number.
"""

import os

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest, values
from prometheus_client.multiprocess import MultiProcessCollector

#: Where prometheus_client looks for the folder of the files; to be set before this module is imported.
_IS_SHARED = "PROMETHEUS_MULTIPROC_DIR" in os.environ

_claimed: str | None = None


def _process() -> str | int:
    """Whose file to count in; asked at every step, since a fork changes it."""
    return _claimed or os.getpid()


if _IS_SHARED:
    values.ValueClass = values.MultiProcessValue(_process)  # type: ignore[no-untyped-call]


def claim(name: str) -> None:
    """Counts in the file of `name` from now on. No other living process may have claimed it."""
    global _claimed  # noqa: PLW0603  # one per process, as are the metrics themselves
    _claimed = name


def page() -> bytes:
    """The sums over all processes, in Prometheus' text format."""
    if not _IS_SHARED:
        return generate_latest(REGISTRY)
    together = CollectorRegistry()
    MultiProcessCollector(together)  # type: ignore[no-untyped-call]
    return generate_latest(together)


def _gauge(name: str, text: str) -> Gauge:
    """A gauge of what all processes share, such as the spool: what was said last is true, whoever said it."""
    gauge = Gauge(name, text, registry=REGISTRY, multiprocess_mode="mostrecent")
    gauge.set(0)  # else it would be missing until then
    return gauge


REGISTRY = CollectorRegistry()

VISITS = Counter("shortener_visits_total", "Visits to short links, by outcome.", ["outcome"], registry=REGISTRY)
PREFETCHES = Counter(
    "shortener_prefetches_total",
    "Requests for short links that browsers sent ahead of a click; none is a visit or a click.",
    registry=REGISTRY,
)
REQUESTS = Counter(
    "shortener_requests_total",
    "Requests that routes answered, by route and status, or 'prefetch'; the edge answers most visits without one.",
    ["route", "status"],
    registry=REGISTRY,
)
REQUEST_SECONDS = Histogram(
    "shortener_request_seconds", "Time in which routes answered.", ["route"], registry=REGISTRY
)
CLICKS_SPOOLED = Counter("shortener_clicks_spooled_total", "Clicks written to the spool.", registry=REGISTRY)
CLICKS_DROPPED = Counter("shortener_clicks_dropped_total", "Clicks that could not be written.", registry=REGISTRY)
CLICKS_DRAINED = Counter("shortener_clicks_drained_total", "Clicks moved into the database.", registry=REGISTRY)
LIMITED_CLICKS_COUNTED = Counter(
    "shortener_limited_clicks_counted_total",
    "Clicks on links with a limit, moved from the inbox into the statistics; they were never in the spool.",
    registry=REGISTRY,
)
CLICKS_ERASED = Counter(
    "shortener_clicks_erased_total",
    "Clicks that were dropped instead of counted, because their link's had been erased after them.",
    registry=REGISTRY,
)
CLICKS_PRUNED = Counter(
    "shortener_clicks_pruned_total", "Raw clicks deleted because of their age; their sums stay.", registry=REGISTRY
)
CLICKS_QUARANTINED = Counter(
    "shortener_clicks_quarantined_total",
    "Pieces of the spool that could not be read and were set aside.",
    registry=REGISTRY,
)
ORPHANS_UNRECORDED = Counter(
    "shortener_orphans_unrecorded_total", "Visits to unknown codes beyond what is recorded.", registry=REGISTRY
)
ORPHANS_DROPPED = Counter(
    "shortener_orphans_dropped_total",
    "Drained visits to unknown codes that were not stored, because their day had had its number.",
    registry=REGISTRY,
)
DRAIN_FAILURES = Counter(
    "shortener_drain_failures_total", "Attempts to drain that failed and are tried again.", registry=REGISTRY
)
PASSWORD_TRIES = Counter(
    "shortener_password_tries_total",
    "Passwords of links that visitors sent: right, wrong, or refused unseen because too many wrong ones came before.",
    ["outcome"],
    registry=REGISTRY,
)
LIVE_FOLLOWERS = Gauge(
    "shortener_live_followers",
    "Clients that follow clicks as they happen.",
    registry=REGISTRY,
    multiprocess_mode="sum",
)
UNFOLDED_CLICKS = _gauge("shortener_unfolded_clicks", "Clicks not yet folded into breakdowns.")
SPOOL_SYNC_FAILURES = Counter(
    "shortener_spool_sync_failures_total", "Attempts to bring clicks onto the disk that failed.", registry=REGISTRY
)
SPOOL_BYTES = _gauge("shortener_spool_bytes", "Bytes of the spool on the disk, drained segments included.")
SPOOL_FOREIGN_SEGMENTS = _gauge(
    "shortener_spool_foreign_segments",
    "Segments of the spool that are another database's or cannot be recognised; they are left alone.",
)
SPOOL_BAD_FILES = _gauge(
    "shortener_spool_bad_files", "Files in the spool with what could not be read; the operator's."
)
