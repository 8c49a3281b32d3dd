"""A shared cache in front: nginx keeps whatever it is not forbidden to keep, and gives it to whoever asks next."""

from collections.abc import Iterator

import httpx2
import pytest

from tests.conftest import FIREFOX
from tests.programs import path_of
from tests.proxies.nginx import nginx
from tests.server import Server

#: As careless as it can be without ignoring what it is told: everything is kept for ten minutes unless that is
#: forbidden, under an address that says nothing of keys, cookies and what is accepted.
_HTTP = "proxy_cache_path {folder}/cache keys_zone=all:1m;"
_LOCATION = """
    proxy_pass {upstream};
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_cache all;
    proxy_cache_key $request_uri;
    proxy_cache_valid any 10m;
    add_header X-Cache $upstream_cache_status always;
"""
_TARGET = "https://example.com/sale"
_PASSWORD = "open sesame"


class Site:
    """A server with some links, and nginx in front of it."""

    def __init__(self, url: str, key: str) -> None:
        self.stranger = httpx2.Client(base_url=url, trust_env=False)
        # Caches know that what answers an Authorization header is private (RFC 9111 section 3.5), but not this.
        self.owner = httpx2.Client(base_url=url, headers={"x-api-key": key}, trust_env=False)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    proxy = tmp_path_factory.mktemp("nginx")
    path_of("nginx")
    with (
        Server(folder) as server,
        nginx(proxy, http=_HTTP.format(folder=proxy), location=_LOCATION.format(upstream=server.url)) as port,
    ):
        found = Site(f"http://127.0.0.1:{port}", server.key)
        for fields in (
            {"code": "sale"},
            {"code": "ever", "status": 301},
            {"code": "secret", "password": _PASSWORD},
            {"code": "few", "max_clicks": 100},
            {"code": "ruled", "status": 301, "rules": [{"target": f"{_TARGET}/r"}]},
            {"code": "off", "enabled": False},
        ):
            answer = found.owner.post("/api/v1/links", json={"target": _TARGET, "tags": ["red"], **fields})
            assert answer.status_code == 201, answer.text
        yield found
        found.stranger.close()
        found.owner.close()


#: What only a key opens, and some of what it answers with an error.
PRIVATE = [
    *("/api/v1/keys", "/api/v1/links", "/api/v1/links?limit=1", "/api/v1/links/sale", "/api/v1/links/sale/history"),
    *("/api/v1/links/sale/qr.svg", "/api/v1/links/sale/qr.png", "/api/v1/links/sale/schedules"),
    *("/api/v1/stats", "/api/v1/stats?group_by=browser", "/api/v1/links/sale/stats", "/api/v1/tags/red/stats"),
    *("/api/v1/orphans", "/api/v1/orphans/stats", "/api/v1/tags", "/api/v1/domains", "/api/v1/links/sale/clicks"),
    *("/api/v1/links/sale/clicks.csv", "/api/v1/stats.csv", "/api/v1/links/nobodys", "/api/v1/nothing"),
    *("/api/v1/links?limit=0", "/api/v1/links?cursor=x"),
]


@pytest.mark.parametrize("path", PRIVATE)
def test_no_answer_of_the_api_comes_from_the_cache(site: Site, path: str) -> None:
    for _ in range(2):
        mine = site.owner.get(path)
        assert mine.headers["cache-control"] == "private, no-store", mine.text
        assert mine.headers["x-cache"] in ("MISS", "BYPASS")
    theirs = site.stranger.get(path)
    assert theirs.headers["x-cache"] in ("MISS", "BYPASS")
    assert theirs.status_code in (401, 404)
    assert theirs.content != mine.content or mine.status_code == 404
    # Nor is the refusal given to who has a key.
    assert site.owner.get(path).status_code == mine.status_code


#: What differs from visitor to visitor: by name, a path and headers of the first visitor.
PERSONAL = {
    "redirect": ("/sale", {}),
    "redirect-by-rules": ("/ruled", {}),
    "limit": ("/few", {"user-agent": FIREFOX}),
    "password-in-a-header": ("/secret", {"x-link-password": _PASSWORD}),
    "password-page": ("/secret", {"accept": "text/html"}),
    "preview": ("/sale+", {}),
    "preview-page": ("/sale+", {"accept": "text/html"}),
    "unknown": ("/nobodys", {}),
    "unknown-page": ("/nobodys", {"accept": "text/html"}),
    "disabled": ("/off", {}),
    "too-many-parameters": ("/ruled?" + "&".join(map(str, range(300))), {}),
    "state-of-the-server": ("/readyz", {}),
    "metrics": ("/metrics", {}),
}


@pytest.mark.parametrize(("path", "headers"), PERSONAL.values(), ids=list(PERSONAL))
def test_no_personal_answer_comes_from_the_cache(site: Site, path: str, headers: dict[str, str]) -> None:
    for _ in range(2):
        answer = site.stranger.get(path, headers=headers)
        # The page that asks for a password is stored by its browser, for "Back".
        assert {"no-store", "private"} & set(answer.headers["cache-control"].split(", "))
        assert answer.headers["x-cache"] == "MISS"
    assert site.stranger.get(path).headers["x-cache"] == "MISS"


def test_what_a_password_opens_is_not_open_to_the_next(site: Site) -> None:
    assert site.stranger.get("/secret", headers={"x-link-password": _PASSWORD}).headers["location"] == _TARGET
    assert "location" not in site.stranger.get("/secret").headers


def test_the_cache_keeps_what_may_be_kept(site: Site) -> None:
    """Otherwise all the others would prove nothing."""
    for path in ("/ever", "/sale.svg"):
        assert site.stranger.get(path).headers["x-cache"] == "MISS"
        assert site.stranger.get(path).headers["x-cache"] == "HIT"
