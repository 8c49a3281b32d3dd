"""Waiting until the drainer of a running application has caught up."""

from contextlib import closing
from pathlib import Path

from starlette.testclient import TestClient

from shortener.app import make_drainer
from shortener.clicks import segment
from shortener.storage import clicks
from tests import frames
from tests.server import eventually


def ends(spool: Path) -> dict[bytes, int]:
    """Where each segment of a spool ends, by its id."""
    found = {}
    for path in spool.glob(f"*{segment.SUFFIX}"):
        data = path.read_bytes()
        header = segment.unpack_header(data)
        assert header is not None
        end = segment.HEADER_SIZE
        while (reading := frames.read(data, end, header.seed)).body is not None:
            end = reading.end
        if end > segment.HEADER_SIZE:
            found[header.segment_id] = end
    return found


def drained(client: TestClient) -> None:
    """Has every click recorded so far in the tables: drains them, or waits for the application's own drainer."""
    parts, is_draining = client.app.state.parts, client.app.state.draining  # type: ignore[attr-defined]
    if not is_draining:
        with closing(make_drainer(parts.settings, parts.database)) as drainer:
            while not drainer.elected() or drainer.step():
                pass
        return
    written = ends(parts.settings.spool_dir)

    def done() -> bool:
        with parts.database.read() as connection:
            return all((clicks.mark(connection, segment_id) or 0) >= end for segment_id, end in written.items())

    eventually(done)
