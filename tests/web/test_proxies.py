"""Proxies: what an operator is told of one that is not trusted."""

from ipaddress import ip_network

import pytest
from structlog.testing import capture_logs

from shortener.app import create_app
from shortener.settings import Settings
from shortener.web.clicks import UNTRUSTED_PROXY
from tests.client import Client
from tests.conftest import AUTHORIZED, FIREFOX

pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)

#: By name: the peer, the networks that are trusted, the X-Forwarded-For header, whether the log warns, and /readyz.
CASES: dict[str, tuple[str, list[str], str | None, bool, bool]] = {
    "nothing-is-trusted": ("10.0.0.1", [], "203.0.113.7", True, True),
    "another-is-trusted": ("10.0.0.1", ["192.168.0.0/16"], "203.0.113.7", True, True),
    "the-proxy-is-trusted": ("10.0.0.1", ["10.0.0.0/8"], "203.0.113.7", False, False),
    "no-proxy": ("10.0.0.1", [], None, False, False),
    "a-stranger-sends-the-header": ("8.8.8.8", [], "203.0.113.7", True, False),
}


@pytest.mark.parametrize(("peer", "trusted", "sent", "logged", "shown"), CASES.values(), ids=list(CASES))
def test_a_proxy_that_is_not_trusted_is_told_once(
    settings: Settings, peer: str, trusted: list[str], sent: str | None, logged: bool, shown: bool
) -> None:
    app = create_app(settings.model_copy(update={"trusted_proxies": tuple(map(ip_network, trusted))}))
    headers = {"user-agent": FIREFOX} | ({"x-forwarded-for": sent} if sent else {})
    with Client(app, follow_redirects=False, headers=AUTHORIZED, client=(peer, 4711)) as client:
        client.post("/api/v1/links", json={"target": "https://example.com/", "code": "mine"})
        with capture_logs() as lines:
            for _ in range(3):
                assert client.get("/mine", headers=headers).status_code == 302
        warned = [line for line in lines if line["event"] == UNTRUSTED_PROXY]
        assert len(warned) == logged
        assert all(line["setting"] == "SHORTENER_TRUSTED_PROXIES" for line in warned)
        ready = client.get("/readyz")
        assert (ready.status_code, ready.json()["warnings"]) == (200, [UNTRUSTED_PROXY] if shown else [])
