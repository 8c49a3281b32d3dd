"""Scans: codes that no link has cost no memory and no click, however many are asked for."""

import json
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from shortener.clicks.drainer import Drainer
from shortener.domain.link import LinkDraft
from shortener.storage import links
from shortener.storage.engine import Database
from tests.acceptance.flood import EVERY, KNOWN
from tests.acceptance.visitors import Visitor, clicks, create, metrics, port_of, visit, wait_until_drained
from tests.cli.process import eventually, served
from tests.conftest import ADMIN_KEY
from tests.sizes import nightly, size
from tests.spools import agreed, drain_all, id_of

#: Bytes by which a worker may grow.
MOST_GROWTH = 64 * 2**20
UNKNOWN = size(100_000, 10_000_000)
#: Over sockets: so many times so many at once.
ROUNDS, TOGETHER = size(10, 200), 500


@nightly
def test_many_unknown_codes(tmp_path: Path, sqlite_template: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Through lookup and cache, with visits of known links in between."""
    url, spool = f"sqlite:///{tmp_path / 'shortener.db'}", tmp_path / "spool"
    shutil.copy(sqlite_template, tmp_path / "shortener.db")
    database = Database(url)
    with database.write() as connection:
        for number in range(KNOWN):
            draft = LinkDraft(target="https://example.com/")
            links.add(connection, draft, code=f"known{number}", nonce=number, now=datetime.now(UTC))
    command = [sys.executable, "-m", "tests.acceptance.flood", url, str(spool), str(UNKNOWN)]
    seen = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
    with capsys.disabled():
        sys.stdout.write(
            f"\n{UNKNOWN} unknown codes: {seen['grown'] / 2**20:.1f} MiB, {seen['microseconds']:.1f} µs each\n"
        )
    assert seen["grown"] <= MOST_GROWTH
    assert (seen["cached"], seen["known"]) == (KNOWN, KNOWN)
    assert (seen["recorded"], seen["dropped"]) == (UNKNOWN // EVERY, 0)
    drainer = Drainer(spool, database, id_of(database))
    drain_all(drainer)
    drainer.close()
    assert agreed(database) == UNKNOWN // EVERY
    database.close()


@nightly
def test_a_scan_of_a_server(tmp_path: Path) -> None:
    """Every unknown code is counted as one, a few are recorded; and every visit of the link among them is a click."""
    with served(tmp_path, SHORTENER_ADMIN_KEY=ADMIN_KEY) as serving:
        create(serving, "known")
        with Visitor(port_of(serving)) as scanner:
            for number in range(ROUNDS):
                codes = [f"{number:03}x{each:03}" for each in range(TOGETHER)]
                scanner.say(b"".join(map(visit, codes)) + visit("known"))
                assert {scanner.hear().status for _ in codes} == {404}
                assert scanner.hear().status == 302
        missed = ROUNDS * TOGETHER
        # Counters are on the page within a second.
        eventually(lambda: metrics(serving).get('shortener_visits_total{outcome="not-found"}') == missed)
        seen = metrics(serving)
        assert seen['shortener_visits_total{outcome="redirect"}'] == ROUNDS
        recorded = seen["shortener_clicks_spooled_total"] - ROUNDS
        assert recorded + seen["shortener_orphans_unrecorded_total"] == missed
        assert 0 < recorded < missed
        wait_until_drained(f"sqlite:///{tmp_path / 'data' / 'shortener.db'}", tmp_path / "data" / "spool")
        assert clicks(serving, "known") == ROUNDS
        eventually(lambda: metrics(serving)["shortener_clicks_drained_total"] == recorded + ROUNDS)
        assert serving.stop() == 0
