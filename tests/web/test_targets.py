"""Targets as clients send, read and follow them: byte for byte, with placeholders and text like them."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from shortener.app import create_app
from shortener.settings import Settings
from shortener.storage import tables
from shortener.web.deps import Parts
from tests.client import Client
from tests.conftest import ADMIN_KEY

E = "https://e.example"


def create(client: TestClient, **fields: Any) -> dict[str, Any]:
    answer = client.post("/api/v1/links", json={"code": "mine", **fields})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def location(client: TestClient, path: str = "/mine") -> str:
    return client.get(path, follow_redirects=False).headers["location"]


#: By name: a target as it is sent, as it is read, and the Location of a visit of `/mine`.
SENT = {
    "pipes-and-braces": (
        f"{E}/a|b?a|{{b}}^`#/x|{{y}}^",
        f"{E}/a|b?a|{{b}}^`#/x|{{y}}^",
        f"{E}/a|b?a|{{b}}^`#/x|{{y}}^",
    ),
    "white-space-around": (f"\t {E}/a\r\n", f"{E}/a", f"{E}/a"),
    "placeholder": (f"{E}/{{code}}?c={{code}}", f"{E}/{{code}}?c={{code}}", f"{E}/mine?c=mine"),
    "text": (f"{E}/{{{{code}}}}?c={{{{code}}}}", f"{E}/%7Bcode%7D?c={{{{code}}}}", f"{E}/%7Bcode%7D?c={{code}}"),
    "encoded-text": (f"{E}/%7Bcode%7D", f"{E}/%7Bcode%7D", f"{E}/%7Bcode%7D"),
    "both": (f"{E}/{{code}}/%7Bcode%7D", f"{E}/{{code}}/%7Bcode%7D", f"{E}/mine/%7Bcode%7D"),
}


@pytest.mark.parametrize(("sent", "read", "led_to"), SENT.values(), ids=list(SENT))
def test_what_is_read_means_the_same_when_it_is_sent_back(
    client: TestClient, sent: str, read: str, led_to: str
) -> None:
    made = create(client, target=sent, expired_target=sent, rules=[{"target": sent}])
    targets = (made["target"], made["expired_target"], made["rules"][0]["target"])
    assert targets == (read, read, read)
    assert location(client) == led_to
    again = {name: made[name] for name in ("target", "expired_target", "rules")}
    assert client.patch("/api/v1/links/mine", json=again).json()["version"] == 1
    assert client.patch("/api/v1/links/mine", json={"rules": []}).json()["target"] == read
    assert location(client) == led_to
    assert client.patch("/api/v1/links/mine", json={"enabled": False}).status_code == 200
    assert location(client) == led_to


def test_text_that_looks_like_a_placeholder_is_the_same_for_all(client: TestClient) -> None:
    create(client, target=f"{E}/{{{{code}}}}", status=301)
    assert client.get("/mine", follow_redirects=False).headers["cache-control"] == "public, max-age=300"


def test_a_rule_and_its_link_may_differ_in_that(client: TestClient) -> None:
    rule = {"target": f"{E}/{{code}}", "conditions": [{"type": "query-param", "key": "a", "value": "b"}]}
    create(client, target=f"{E}/%7Bcode%7D", rules=[rule])
    assert location(client) == f"{E}/%7Bcode%7D"
    assert location(client, "/mine?a=b") == f"{E}/mine"


def test_a_stored_placeholder_is_warned_of(client: TestClient) -> None:
    warnings = create(client, target=f"{E}/{{code}}?{{query.a}}")["warnings"]
    assert warnings == [
        "Each visit fills in {code} and {query.a}. What is part of the URL itself has its braces doubled: {{code}}."
    ]
    assert create(client, code="other", target=f"{E}/", expired_target=f"{E}/{{path}}")["warnings"]
    assert create(client, code="text", target=f"{E}/{{{{code}}}}")["warnings"] == []


def test_history_and_schedules_say_what_a_person_writes(client: TestClient) -> None:
    create(client, target=f"{E}/?{{{{code}}}}", rules=[{"target": f"{E}/?{{code}}"}])
    client.patch("/api/v1/links/mine", json={"target": f"{E}/2", "rules": []})
    changes = client.get("/api/v1/links/mine/history").json()["data"][0]["changes"]
    assert changes["target"] == [f"{E}/?{{{{code}}}}", f"{E}/2"]
    assert changes["rules"][0][0]["target"] == f"{E}/?{{code}}"
    assert client.post("/api/v1/links/mine/revert", json={"version": 1}).json()["target"] == f"{E}/?{{{{code}}}}"
    planned = {"at": "2999-01-01T00:00:00Z", "changes": {"target": f"{E}/?{{{{path}}}}"}}
    made = client.post("/api/v1/links/mine/schedule", json=planned).json()
    assert made["changes"] == planned["changes"]
    last = client.get("/api/v1/links/mine/history").json()["data"][0]["changes"]
    assert last["scheduled"][1]["changes"] == planned["changes"]


def test_stored_targets_keep_their_bytes_until_they_are_edited(client: TestClient, app: Any) -> None:
    create(client, target=f"{E}/")
    parts: Parts = app.state.parts
    old = f"{E}/%7Bcode%7D?a%7Cb=%7Bcode%7D"
    with parts.database.write() as connection:
        connection.execute(tables.link.update().values(target=old))
    parts.cache.clear()
    assert location(client) == f"{E}/mine?a%7Cb=mine"
    read = client.patch("/api/v1/links/mine", json={"title": "x"}).json()["target"]
    assert read == f"{E}/{{code}}?a%7Cb={{code}}"
    client.post("/api/v1/links/mine/revert", json={"version": 1})
    with parts.database.read() as connection:
        assert connection.execute(tables.link.select()).one().target == old
    client.patch("/api/v1/links/mine", json={"target": read})
    assert location(client) == f"{E}/mine?a%7Cb=mine"


def test_fallbacks_of_domains(client: TestClient) -> None:
    text = f"{E}/{{code}}|^?{{code}}|^"
    names = ("home_target", "not_found_target", "expired_target")
    made = client.post("/api/v1/domains", json={"name": "a.example", **dict.fromkeys(names, text)}).json()
    fixed = f"{E}/%7Bcode%7D|%5E?{{code}}|^"
    assert [made[name] for name in names] == [fixed, fixed, f"{E}/{{code}}|%5E?{{code}}|^"]
    client.post("/api/v1/links", json={"target": E, "code": "over", "domain": "a.example", "enabled": False})
    host = {"host": "a.example"}
    for path, led_to in (("/", fixed), ("/nothing", fixed), ("/over", f"{E}/over|%5E?over|^")):
        assert client.get(path, headers=host, follow_redirects=False).headers["location"] == led_to


def test_fallbacks_of_the_instance(settings: Settings) -> None:
    text = f"{E}/{{code}}|^?{{code}}|^&{{{{path}}}}"
    names = ("home_target", "not_found_target", "expired_target")
    configured = settings.model_copy(update=dict.fromkeys(names, text))
    with Client(create_app(configured), headers={"authorization": f"Bearer {ADMIN_KEY}"}) as client:
        client.post("/api/v1/links", json={"target": E, "code": "over", "enabled": False})
        fixed = f"{E}/%7Bcode%7D|%5E?{{code}}|^&{{{{path}}}}"
        filled = f"{E}/over|%5E?over|^&{{path}}"
        for path, led_to in (("/", fixed), ("/nothing", fixed), ("/over", filled)):
            assert location(client, path) == led_to
