"""A running shortener, asked over its own API: links, counts, and whether every click has arrived."""

import fcntl
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import httpx2
from prometheus_client.parser import text_string_to_metric_families

from shortener.domain.click import ClickClass
from tests.bench.servers import ADMIN_KEY, TARGET

AUTHORIZED = {"Authorization": f"Bearer {ADMIN_KEY}"}
CODE = "bench"

_EVERY_CLASS = ",".join(kind.label for kind in ClickClass)
#: Seconds that draining and folding may take: fifty times what they take after the load that `make bench` puts.
_SETTLE_SECONDS = 300
#: Seconds without any change after which nothing will come: twice what folding waits for more clicks.
_STILL_SECONDS = 10
#: Seconds between two looks at the counts. A look costs the server about 4 ms, which is counted as its own work.
_LOOK_SECONDS = 1.0


class NeverSettled(Exception):
    """Clicks were still coming into the statistics when patience ended."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What the server says it has done since it was started, and what its statistics say of all links."""

    #: Redirects answered to visitors.
    redirects: int
    #: Clicks of every class.
    clicks: int
    #: Clicks that breakdowns do not contain yet.
    unfolded: int


class Instance:
    """A shortener at a URL. `close` it."""

    def __init__(self, url: str) -> None:
        self._client = httpx2.Client(base_url=url, headers=AUTHORIZED, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def create_link(self, code: str = CODE) -> None:
        """Makes a link to be visited."""
        self._client.post("/api/v1/links", json={"target": TARGET, "code": code}).raise_for_status()

    def clicks(self, code: str | None = None) -> int:
        """Clicks of every class on a link, or on all links, as the statistics have them now."""
        path = "/api/v1/stats" if code is None else f"/api/v1/links/{code}/stats"
        answer = self._client.get(path, params={"class": _EVERY_CLASS}).raise_for_status()
        found: int = answer.json()["totals"]["clicks"]
        return found

    def counts(self) -> Counts:
        """The counts now; statistics first, so that they are never ahead of the redirects."""
        clicks = self.clicks()
        metrics = {
            (sample.name, sample.labels.get("outcome")): sample.value
            for family in text_string_to_metric_families(self._client.get("/metrics").raise_for_status().text)
            for sample in family.samples
        }
        return Counts(
            redirects=int(metrics.get(("shortener_visits_total", "redirect"), 0)),
            clicks=clicks,
            unfolded=int(metrics["shortener_unfolded_clicks", None]),
        )

    def settle(self) -> Counts:
        """Waits until every redirect is a click and every click is folded, and returns the counts.

        If that does not come about, it returns when nothing has changed for a while: then clicks have been lost.
        Raises NeverSettled.
        """
        deadline = time.monotonic() + _SETTLE_SECONDS
        last, still_since = self.counts(), time.monotonic()
        while time.monotonic() < deadline:
            time.sleep(_LOOK_SECONDS)
            found = self.counts()
            complete = found.clicks == found.redirects and not found.unfolded
            # Seen twice, since the gauge of unfolded clicks is set a moment after the clicks are to be seen.
            if found == last and (complete or time.monotonic() - still_since > _STILL_SECONDS):
                return found
            if found != last:
                last, still_since = found, time.monotonic()
        raise NeverSettled(str(last))


class HeldDrainer:
    """No draining in a data directory, whose server is not running yet, until the block ends or `release` is called.

    It holds the lock by which the drainer is elected.
    """

    def __init__(self, data_dir: Path) -> None:
        spool = data_dir / "spool"
        spool.mkdir(parents=True, exist_ok=True)
        self._lock: int | None = os.open(spool / "drainer.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def release(self) -> None:
        """Lets the drainer go to work."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None
