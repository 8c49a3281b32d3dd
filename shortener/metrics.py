"""What /metrics shows. Labels are bounded: never a code, a target or an address."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

REGISTRY = CollectorRegistry()

VISITS = Counter("shortener_visits_total", "Visits to short links, by outcome.", ["outcome"], registry=REGISTRY)
REQUESTS = Counter(
    "shortener_requests_total", "Requests, by route and status.", ["route", "status"], registry=REGISTRY
)
REQUEST_SECONDS = Histogram("shortener_request_seconds", "Time to answer, by route.", ["route"], registry=REGISTRY)
CLICKS_SPOOLED = Counter("shortener_clicks_spooled_total", "Clicks written to the spool.", registry=REGISTRY)
CLICKS_DROPPED = Counter("shortener_clicks_dropped_total", "Clicks that could not be written.", registry=REGISTRY)
CLICKS_DRAINED = Counter("shortener_clicks_drained_total", "Clicks moved into the database.", registry=REGISTRY)
CLICKS_QUARANTINED = Counter(
    "shortener_clicks_quarantined_total",
    "Pieces of the spool that could not be read and were set aside.",
    registry=REGISTRY,
)
ORPHANS_UNRECORDED = Counter(
    "shortener_orphans_unrecorded_total", "Visits to unknown codes beyond what is recorded.", registry=REGISTRY
)
DRAIN_FAILURES = Counter(
    "shortener_drain_failures_total", "Attempts to drain that failed and are tried again.", registry=REGISTRY
)
UNFOLDED_CLICKS = Gauge("shortener_unfolded_clicks", "Clicks not yet folded into breakdowns.", registry=REGISTRY)
