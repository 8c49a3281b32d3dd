"""What people make of a short URL: with a sentence's punctuation behind it, or a slash too many in front."""

from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from shortener.domain import code as codes
from shortener.redirect import cache
from shortener.web.deps import Parts
from tests.web.waiting import drained

TARGET = "https://example.com/sale"
#: In front of a path with two slashes, which alone would be a host.
E = "https://go.example"


def create(client: TestClient, **fields: Any) -> None:
    assert client.post("/api/v1/links", json={"target": TARGET, "code": "abc", **fields}).status_code == 201


#: By name: a path that is followed as if it were `/abc`.
TYPED = {
    **{f"behind-{mark}": f"/abc{mark}" for mark in ".,;:!)]}>'"},
    "question-mark": "/abc%3F",
    "quotation-mark": "/abc%22",
    "several": "/abc).%22",
    "space": "/abc%20",
    "plus-a-space-within": "/abc.%20%20",
    "tab-and-line-break": "/abc%09%0D%0A",
    "no-break-space": "/abc%C2%A0",
    "ideographic-space": "/abc%E3%80%80",
    "zero-width-space": "/abc%E2%80%8B",
    "byte-order-mark": "/abc%EF%BB%BF",
    "right-to-left-mark": "/abc%E2%80%8F",
    "soft-hyphen": "/abc%C2%AD",
    "variation-selector": "/abc%EF%B8%8F",
    "closing-quotation-mark": "/abc%E2%80%9D",
    "guillemet": "/abc%C2%BB",
    "ellipsis": "/abc%E2%80%A6",
    "ideographic-full-stop": "/abc%E3%80%82",
    "full-width-parenthesis": "/abc%EF%BC%89",
    "slash-behind": "/abc./",
    "query": "/abc.?a=b",
    "two-slashes": "//abc",
    "two-slashes-and-one-behind": "//abc/",
    "two-slashes-and-punctuation": "//abc).",
}

#: By name: a path that leads nowhere.
OTHER = {
    "punctuation-in-front": "/.abc",
    "punctuation-within": "/a.bc",
    "another-mark": "/abc*",
    "opening-parenthesis": "/abc(",
    "at-sign": "/abc@",
    "punctuation-only": "/...",
    "two-slashes-and-nothing": "//...",
    "another-case": "/Abc.",
    "control-character": "/abc%00",
    "three-slashes": "///abc",
    "far-too-long": "/abc" + "." * 600,
    "path-behind": "/abc./more",
    "own-path": "//api/v1/links",
    "own-page": "//docs",
    "own-page-with-punctuation": "/docs.",
}


@pytest.mark.parametrize("path", TYPED.values(), ids=list(TYPED))
def test_what_people_type_is_followed(client: TestClient, path: str) -> None:
    create(client)
    for method in ("GET", "HEAD"):
        answer = client.request(method, E + path)
        assert (answer.status_code, answer.headers.get("location")) == (302, TARGET)


@pytest.mark.parametrize("path", OTHER.values(), ids=list(OTHER))
def test_nothing_else_is(client: TestClient, path: str) -> None:
    create(client)
    assert client.get(E + path).status_code == 404


def test_the_click_says_so_and_names_the_code(client: TestClient) -> None:
    create(client)
    for path in ("/abc", "/abc.", "//abc", "/abc%20?qr"):
        client.get(E + path)
    drained(client)
    clicks = client.get("/api/v1/links/abc/clicks").json()["data"]
    assert sorted((click["code"], click["trigger"] or "") for click in clicks) == [
        ("abc", ""),
        *[("abc", "typed")] * 3,
    ]


def test_nothing_is_cached_under_what_was_typed(client: TestClient, app: FastAPI) -> None:
    create(client)
    parts: Parts = app.state.parts
    for path in ("/abc.", "//abc", "/abc%EF%B8%8F"):
        assert client.get(E + path).status_code == 302
    assert len(parts.cache) == 1
    assert cache.key("", "abc") in parts.cache
    assert client.patch("/api/v1/links/abc", json={"target": "https://example.com/2"}).status_code == 200
    assert client.get(E + "/abc.").headers["location"] == "https://example.com/2"
    client.delete("/api/v1/links/abc")
    assert client.get(E + "/abc.").status_code == client.get(E + "//abc").status_code == 404


def test_a_link_with_the_code_as_it_stands_comes_first(client: TestClient, app: FastAPI) -> None:
    create(client)
    create(client, code="other", target="https://example.com/other")
    with app.state.parts.database.write() as connection:
        connection.exec_driver_sql("UPDATE link SET code = 'abc\ufe0f' WHERE code = 'other'")
    assert client.get(E + "/abc%EF%B8%8F").headers["location"] == "https://example.com/other"
    assert client.get(E + "/abc.").headers["location"] == TARGET


def test_links_that_ask_for_something_ask_here_too(client: TestClient) -> None:
    create(client, password="open sesame")
    create(client, code="few", max_clicks=1)
    create(client, code="behind", forward_path=True, target="https://example.com/{code}")
    html = {"accept": "text/html"}
    assert "password" in client.get(E + "/abc.", headers=html).text
    assert client.get(E + "//abc", headers={"x-link-password": "open sesame"}).headers["location"] == TARGET
    assert client.get(E + "/few.", headers={"user-agent": "curl/8"}).json()["short_url"].endswith("/few")
    assert client.get(E + "/few).").headers["location"] == TARGET
    assert client.get(E + "/few).").status_code == 410
    assert client.get(E + "//behind/a/b").headers["location"] == "https://example.com/behind/a/b"
    assert client.get(E + "/behind./a").headers["location"] == "https://example.com/behind/a"


@pytest.mark.parametrize(
    ("typed", "code"),
    [("a.", "a"), ("grün»", "grün"), ("a", None), ("", None), (".", None), ("a b.", None), ("x" * 129 + ".", None)],
)
def test_without_end(typed: str, code: str | None) -> None:
    assert codes.without_end(typed) == code
