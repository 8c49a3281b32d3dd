"""Exports of a large database: raw clicks over HTTP into a file, how much memory that takes, and what can be read."""

import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass
from pathlib import Path

import httpx2

from shortener.domain import period
from shortener.domain.period import DAY_MS, SLOT_MS
from shortener.domain.table import Form
from tests.bench.instance import AUTHORIZED, EVERY_CLASS
from tests.bench.large import readback
from tests.bench.large.readback import ReadBack
from tests.bench.servers import WORKERS, Server

#: Seconds that the server may need for the next bytes.
_PATIENCE = 120.0
_ALL = {"class": EVERY_CLASS}
#: What is exported before memory is looked at: a quarter of an hour. The first export loads what all of them need.
_LITTLE = {"start": "1990-01-01T00:00:00Z", "end": "1990-01-01T00:15:00Z"}

#: Parameters of a question.
Query = Mapping[str, str]
#: Starts a server with one worker.
Start = Callable[[], AbstractContextManager[Server]]


class ExportFailed(Exception):
    """A file is not what the server said that it would be."""


@dataclass(frozen=True, slots=True)
class Written:
    """An export, and what it took."""

    form: Form
    rows: int
    bytes: int
    seconds: float
    #: Of the worker.
    cpu_seconds: float
    #: By how much the worker's peak lies above what it had before, RSS in MB (10^6 bytes).
    grew_mb: float


@dataclass(frozen=True, slots=True)
class Exports:
    """The same clicks in every form."""

    files: Sequence[Written]
    read: ReadBack


class Exporter:
    """A client of a server with one worker; `close` it."""

    def __init__(self, server: Server) -> None:
        self._server = server
        # A whole number of bytes is to be compared, so nothing is compressed on the way.
        headers = {**AUTHORIZED, "Accept-Encoding": "identity"}
        self._client = httpx2.Client(base_url=server.url, headers=headers, trust_env=False, timeout=_PATIENCE)

    def close(self) -> None:
        """Ends the connection."""
        self._client.close()

    def newest(self, rows: int, end_ms: int, days: int) -> Query:
        """The latest period until now with at least so many clicks: all where there are fewer.

        No click lies more than `days` before `end_ms`.
        """
        if self._clicks({"interval": "all"}) <= rows:
            return {"interval": "all"}
        # Slots whose clicks and all later ones are enough, and which are too few.
        enough, few = (end_ms - days * DAY_MS) // SLOT_MS, end_ms // SLOT_MS + 1
        while few - enough > 1:
            middle = (enough + few) // 2
            enough, few = (middle, few) if self._clicks(_since(middle)) >= rows else (enough, middle)
        return _since(enough)

    def write(self, form: Form, query: Query, file: Path) -> Written:
        """Exports the clicks of every class that `query` asks for into `file`. Raises ExportFailed."""
        self._server.forget_peak(WORKERS)
        before, spent, began = self._server.memory(WORKERS).rss, self._server.cpu_seconds(WORKERS), time.monotonic()
        path = f"/api/v1/clicks.{form}"
        with self._client.stream("GET", path, params={**_ALL, **query}) as answer, file.open("wb") as output:
            total = int(answer.raise_for_status().headers["x-total-count"])
            for piece in answer.iter_raw():
                output.write(piece)
        seconds = time.monotonic() - began
        rows = _lines(file) - (form is Form.CSV)
        if rows != total:
            raise ExportFailed(f"{rows:,} rows of {form.upper()}, while the server said {total:,}")
        return Written(
            form=form,
            rows=rows,
            bytes=file.stat().st_size,
            seconds=seconds,
            cpu_seconds=self._server.cpu_seconds(WORKERS) - spent,
            grew_mb=self._server.peak(WORKERS) - before,
        )

    def _clicks(self, query: Query) -> int:
        params = {**_ALL, **query, "group_by": "device"}
        found: int = self._client.get("/api/v1/stats", params=params).raise_for_status().json()["totals"]["clicks"]
        return found


def exported(start: Start, folder: Path, rows: int, end_ms: int, days: int) -> Exports:
    """Exports the newest `rows` clicks in every form, each by a server of its own, and reads them back.

    What one export leaves in memory the next one would use again, and growth not be seen. No click lies more than
    `days` before `end_ms`. Raises ExportFailed, NotEqual.
    """
    query: Query = {}
    files = []
    with tempfile.TemporaryDirectory(prefix="exports-", dir=folder) as name:
        paths = {form: Path(name) / f"clicks.{form}" for form in Form}
        for form, path in paths.items():
            with start() as server, closing(Exporter(server)) as exporter:
                query = query or exporter.newest(rows, end_ms, days)
                exporter.write(form, _LITTLE, path)
                files.append(exporter.write(form, query, path))
        return Exports(files, readback.compare(paths[Form.CSV], paths[Form.NDJSON]))


def _since(slot: int) -> Query:
    return {"start": period.from_ms(slot * SLOT_MS).isoformat()}


def _lines(file: Path) -> int:
    """Line ends in it. No value of these clicks has one in it: reading back would find it."""
    with file.open("rb") as content:
        return sum(piece.count(b"\n") for piece in iter(lambda: content.read(1 << 20), b""))
