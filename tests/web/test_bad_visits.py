"""Visits with all that a text column refuses in them: answered, recorded, and nothing the drainer trips over."""

import unicodedata

from starlette.testclient import TestClient

from tests.web.refusals import assert_problem
from tests.web.waiting import drained

TEXTS = {
    "nul": b"a\x00b",
    "controls": bytes(range(1, 32)),
    "c1": "\x80\x85\x9f".encode(),
    "invalid-utf-8": b"\xff\xfe\xc0\xaf",
    "surrogate": b"\xed\xa0\x80",
    "latin-1": "é".encode("latin-1"),
    "marks": "a\u0301\u0316".encode() * 3000,
    "right-to-left": "\u202e\u2066".encode(),
    "emoji": "😀".encode() * 500,
    "long": b"a" * 20_000,
    "percent": b"%00%ff%ed%a0%80",
    "statement": b"'; DROP TABLE click; --",
    "empty": b"",
}
#: One after another through every field of a click that a visitor writes.
FIELDS = ["user-agent", "referer", "accept-language", "sec-purpose", "sec-gpc", "x-forwarded-for", "cookie"]


DIMENSIONS = ("timeseries", "referrer", "browser", "os", "language", "utm_source", "utm_term", "code")


def test_clicks_of_any_content_are_counted(client: TestClient) -> None:
    made = client.post("/api/v1/links", json={"target": "https://example.com/", "code": "sale"})
    assert made.status_code == 201
    expected = sum(visit_with(client, text) for text in TEXTS.values())
    drained(client)
    asked = {"class": "human,bot,preview,prefetch,monitor", "limit": "1000"}
    for group in DIMENSIONS:
        answer = client.get("/api/v1/links/sale/stats", params={**asked, "group_by": group}).json()
        assert answer["totals"]["clicks"] == expected, group
        values = [row.get("value") or "" for row in answer["data"]]
        assert not [value for value in values if any(unicodedata.category(c) in {"Cc", "Cs"} for c in value)]


def visit_with(client: TestClient, text: bytes) -> int:
    """Visits a link with `text` in every place a visitor can write to; returns how often."""
    quoted = "".join(f"%{byte:02x}" for byte in text[:2000])
    if quoted:
        # Neither an orphan's path nor what was asked for in it may stop the drainer.
        for path in (f"/{quoted}", f"/{quoted}/", f"/sale{quoted}x"):
            assert_problem(client.get(path), "link-not-found")
    addresses = [f"/sale?utm_source={quoted}", f"/sale?{quoted}", f"/sale?utm_{quoted}=1&utm_term={quoted}"]
    headers = [(field, b"https://" + text if field == "referer" else text) for field in FIELDS]
    answers = [client.get(address) for address in addresses]
    answers += [client.get("/sale", headers=[(field.encode(), value)]) for field, value in headers]
    assert {answer.status_code for answer in answers} == {302}
    return len(answers)
