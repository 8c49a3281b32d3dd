"""A running shortener, asked over its own API: links and counts; and one whose drainer must not work."""

import fcntl
import os
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, Self

import httpx2
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from shortener.domain.click import ClickClass
from tests.bench.servers import ADMIN_KEY, TARGET

AUTHORIZED = {"Authorization": f"Bearer {ADMIN_KEY}"}
CODE = "bench"

#: The parameter `class` that means all.
EVERY_CLASS = ",".join(kind.label for kind in ClickClass)


@dataclass(frozen=True, slots=True)
class Counts:
    """What the server says it has done since it was started, and what its statistics say of all links."""

    #: Redirects answered to visitors.
    redirects: int
    #: Clicks of every class.
    clicks: int


class Instance:
    """A shortener at a URL. `close` it."""

    def __init__(self, url: str) -> None:
        self._client = httpx2.Client(base_url=url, headers=AUTHORIZED, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def create_link(self, code: str = CODE, **fields: Any) -> None:
        """Makes a link to be visited."""
        self._client.post("/api/v1/links", json={"target": TARGET, "code": code, **fields}).raise_for_status()

    def create_many(self, body: bytes, headers: dict[str, str]) -> None:
        """Makes links in bulk; all must be made."""
        headers = {"Content-Type": "application/json", **headers}
        answer = self._client.post("/api/v1/links/bulk", content=body, headers=headers, timeout=60).raise_for_status()
        refused = [result for result in answer.json()["data"] if result["status"] != HTTPStatus.CREATED]
        if refused:
            raise AssertionError(f"{len(refused)} links were not made: {refused[0]}")

    def clicks(self, code: str | None = None) -> int:
        """Clicks of every class on a link, or on all links, as the statistics have them now."""
        path = "/api/v1/stats" if code is None else f"/api/v1/links/{code}/stats"
        answer = self._client.get(path, params={"class": EVERY_CLASS}).raise_for_status()
        found: int = answer.json()["totals"]["clicks"]
        return found

    def counts(self) -> Counts:
        """The counts now; statistics first, so that they are never ahead of the redirects."""
        clicks = self.clicks()
        redirects = sum(
            sample.value
            for sample in self._metric("shortener_visits_total")
            if sample.labels["outcome"] == "redirect"
        )
        return Counts(int(redirects), clicks)

    def followers(self) -> int:
        """How many clients follow clicks now."""
        return int(sum(sample.value for sample in self._metric("shortener_live_followers")))

    def _metric(self, name: str) -> list[Sample]:
        page = self._client.get("/metrics").raise_for_status().text
        families = text_string_to_metric_families(page)
        return [sample for family in families for sample in family.samples if sample.name == name]


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
