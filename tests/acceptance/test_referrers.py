"""What is kept of the page that led here, on a real server: through the edge, and by the routes it hands over to."""

from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests import written
from tests.conftest import FIREFOX
from tests.server import Server, eventually

HOST, ORIGIN, PAGE = "news.example", "https://news.example", "https://news.example/article/1"
#: By code: what the link has beside its target. The edge answers the first, and hands over the others.
LINKS: dict[str, dict[str, Any]] = {"plain": {}, "few": {"max_clicks": 9}, "locked": {"password": "open sesame"}}


@pytest.mark.parametrize(("environment", "url"), [({}, ORIGIN), ({"SHORTENER_REFERRER_URL": "page"}, PAGE)])
def test_pages_are_kept_only_if_wanted(tmp_path: Path, environment: dict[str, str], url: str) -> None:
    with Server(tmp_path, **environment) as server, server.client() as api:
        for code, fields in LINKS.items():
            made = api.post("/api/v1/links", json={"target": "https://example.com/", "code": code, **fields})
            assert made.status_code == 201, made.text
        visit_all(server)
        for code in LINKS:
            eventually(lambda asked=code: referrers(api, asked)["totals"]["clicks"] == 2)  # type: ignore[misc]
            groups = referrers(api, code)["groups"]
            shown = {name: [(row["value"], row["clicks"]) for row in group["data"]] for name, group in groups.items()}
            # The one that is not tracked has neither.
            expected = {"referrer": [(HOST, 1), (None, 1)], "referrer_url": [(url, 1), (None, 1)]}
            assert {name: sorted(rows, key=str) for name, rows in shown.items()} == {
                name: sorted(rows, key=str) for name, rows in expected.items()
            }
    everything = written.in_folder(tmp_path)
    assert ORIGIN.encode() in everything
    assert (PAGE.encode() in everything) == (url == PAGE)
    assert b"secret-part" not in everything


def visit_all(server: Server) -> None:
    sent = {"user-agent": FIREFOX, "referer": f"{PAGE}?user=secret-part#end", "x-link-password": "open sesame"}
    with httpx2.Client(base_url=server.url, trust_env=False, headers=sent) as visitor:
        for code in LINKS:
            assert visitor.get(f"/{code}").status_code == 302
            assert visitor.get(f"/{code}", headers={"dnt": "1"}).status_code == 302


def referrers(api: httpx2.Client, code: str) -> dict[str, Any]:
    params = {"group_by": "referrer,referrer_url", "interval": "24h"}
    answer: dict[str, Any] = api.get(f"/api/v1/links/{code}/stats", params=params).json()
    return answer
