"""Loops: nothing new may lead back to this instance, and what already does never leads a visitor to itself."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from shortener.app import create_app
from shortener.domain.link import LinkDraft
from shortener.services import links
from shortener.settings import Settings
from tests.clicks import POLICY
from tests.client import Client
from tests.conftest import ADMIN_KEY, AUTHORIZED, ENGINES, FIREFOX
from tests.web.refusals import Instance, Wrong, assert_refused, instance_on

HOST = "new.example"
LINKS, DOMAINS = "/api/v1/links", "/api/v1/domains"
on_sqlite = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


@pytest.fixture(scope="module", params=ENGINES)
def instance(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """At https://go.example, with a domain and a link: for what changes nothing."""
    with instance_on(request.param, tmp_path_factory.mktemp("loops"), request) as opened:
        opened.client.post(DOMAINS, json={"name": HOST}).raise_for_status()
        opened.client.post(LINKS, json={"target": "https://example.com/", "code": "there"}).raise_for_status()
        yield opened


#: By name: a URL on this instance.
OWN = {
    "base-url": "https://go.example/x",
    "base-url-without-tls": "http://go.example/x",
    "domain": f"https://{HOST}/x",
    "domain-without-tls": f"http://{HOST}/x",
    "upper-case": f"HTTPS://{HOST.upper()}/x",
    "port": f"https://{HOST}:443/x",
    "dot": f"https://{HOST}./x",
    "no-path": f"https://{HOST}",
    "query": f"https://{HOST}?x",
    "fragment": f"https://{HOST}#x",
}


def rule(**says: Any) -> dict[str, Any]:
    return {"rules": [{"conditions": [{"type": "language", "value": "de"}], **says}]}


#: By name: where a link can have a target, and the field that is blamed.
FIELDS: dict[str, tuple[Callable[[str], dict[str, Any]], str]] = {
    "target": (lambda target: {"target": target}, "target"),
    "expired-target": (lambda target: {"expired_target": target}, "expired_target"),
    "rule": (lambda target: rule(target=target), "rules.0.target"),
    "split": (
        lambda target: rule(
            split=[
                {"name": "a", "target": target, "weight": 1},
                {"name": "b", "target": "https://example.com/", "weight": 1},
            ]
        ),
        "rules.0.split.0.target",
    ),
}


class TestNewTargets:
    @pytest.mark.parametrize(("fields", "blamed"), FIELDS.values(), ids=list(FIELDS))
    @pytest.mark.parametrize("target", OWN.values(), ids=list(OWN))
    def test_links(self, instance: Instance, target: str, fields: Callable[[str], Any], blamed: str) -> None:
        body = {"target": "https://example.com/", **fields(target)}
        wrong = Wrong(blamed, "target-own-host")
        assert_refused(instance.send("POST", LINKS, json=body), wrong)
        assert_refused(instance.send("PUT", f"{LINKS}/there", json=body), wrong)
        assert_refused(instance.send("PATCH", f"{LINKS}/there", json=fields(target)), wrong)

    @pytest.mark.parametrize("target", OWN.values(), ids=list(OWN))
    def test_links_in_bulk_and_later(self, instance: Instance, target: str) -> None:
        made = instance.send("POST", f"{LINKS}/bulk", json=[{"target": target}]).json()["data"][0]
        assert made["problem"]["code"] == "target-own-host"
        edited = instance.send("PATCH", f"{LINKS}/bulk", json=[{"code": "there", "changes": {"target": target}}])
        assert edited.json()["data"][0]["problem"]["code"] == "target-own-host"
        plan = {"at": (datetime.now(UTC) + timedelta(days=1)).isoformat(), "changes": {"target": target}}
        planned = instance.send("POST", f"{LINKS}/there/schedule", json=plan)
        assert "target-own-host" in planned.text

    @pytest.mark.parametrize("field", ["home_target", "not_found_target", "expired_target"])
    @pytest.mark.parametrize("target", OWN.values(), ids=list(OWN))
    def test_domains(self, instance: Instance, target: str, field: str) -> None:
        wrong = Wrong(field, "target-own-host")
        assert_refused(instance.send("PATCH", f"{DOMAINS}/{HOST}", json={field: target}), wrong)
        assert_refused(instance.send("POST", DOMAINS, json={"name": "c.example", field: target}), wrong)


#: By name: the setting's field, and the path and status where it is not there.
SETTINGS = {
    "home": ("home_target", "/", 200),
    "not-found": ("not_found_target", "/nothing", 404),
    "expired": ("expired_target", "/over", 410),
}


@pytest.mark.parametrize(("name", "path", "status"), SETTINGS.values(), ids=list(SETTINGS))
class TestSettings:
    def settings(self, folder: Path, template: Path, name: str, host: str) -> Settings:
        (folder / "shortener.db").write_bytes(template.read_bytes())
        fields: dict[str, Any] = {name: f"https://{host}/x"}
        return Settings(_env_file=None, data_dir=folder, admin_key=ADMIN_KEY, base_url="https://go.example", **fields)

    def opened(self, configured: Settings) -> TestClient:
        return Client(
            create_app(configured, draining=False),
            follow_redirects=False,
            headers={**AUTHORIZED, "user-agent": FIREFOX},
            base_url="https://go.example",
        )

    def make_expired(self, client: TestClient) -> None:
        yesterday = (datetime.now(UTC) - timedelta(1)).isoformat()
        fields = {"target": "https://example.com/", "code": "over", "expires_at": yesterday}
        client.post(LINKS, json=fields).raise_for_status()

    def test_one_on_the_base_url_is_ignored_and_warned_about(
        self, tmp_path: Path, sqlite_template: Path, name: str, path: str, status: int
    ) -> None:
        with (
            capture_logs() as logs,
            self.opened(self.settings(tmp_path, sqlite_template, name, "go.example")) as client,
        ):
            self.make_expired(client)
            assert client.get(path).status_code == status
        (warning,) = [each for each in logs if "ignored" in each["event"]]
        assert f"SHORTENER_{name.upper()}" in warning["event"]
        assert "go.example" in warning["cause"]

    def test_one_on_a_host_that_becomes_a_domain_is_ignored_from_then_on(
        self, tmp_path: Path, sqlite_template: Path, name: str, path: str, status: int
    ) -> None:
        configured = self.settings(tmp_path, sqlite_template, name, HOST)
        with capture_logs() as logs, self.opened(configured) as client:
            self.make_expired(client)
            before = client.get(path)
            assert (before.status_code, before.headers["location"]) == (302, f"https://{HOST}/x")
            made = client.post(DOMAINS, json={"name": HOST}).json()
            for host in ("go.example", HOST):
                assert client.get(path, headers={"host": host}).status_code == status
        assert f"SHORTENER_{name.upper()}" in made["warnings"][0]
        assert [each for each in logs if f"SHORTENER_{name.upper()}" in each["event"]]
        # And after the next start.
        with self.opened(configured) as client:
            assert client.get(path).status_code == status
            client.delete(f"{DOMAINS}/{HOST}").raise_for_status()
            assert client.get(path).headers["location"] == f"https://{HOST}/x"


@pytest.fixture
def parts(client: TestClient) -> Any:
    return client.app.state.parts  # type: ignore[attr-defined]


def make(client: TestClient, code: str, target: str = f"https://{HOST}/sale", **fields: Any) -> dict[str, Any]:
    made = client.post(LINKS, json={"target": target, "code": code, **fields})
    assert made.status_code == 201, made.text
    found: dict[str, Any] = made.json()
    return found


def take_over(client: TestClient) -> dict[str, Any]:
    """The host becomes a domain; what is said then."""
    made = client.post(DOMAINS, json={"name": HOST})
    assert made.status_code == 201, made.text
    domain: dict[str, Any] = made.json()
    assert client.get(f"{DOMAINS}/{HOST}").json() == domain
    return domain


#: By name: what the link `sale` was before its host became a domain, and which visit leads to itself then.
LEADING_TO_ITSELF: dict[str, tuple[dict[str, Any], str]] = {
    "target": ({}, "/sale"),
    "without-tls": ({"target": f"http://{HOST}/sale"}, "/sale"),
    "slash": ({"target": f"https://{HOST}/sale/"}, "/sale"),
    "query": ({"target": f"https://{HOST}/sale?a=b"}, "/sale"),
    "fragment": ({"target": f"https://{HOST}/sale#part"}, "/sale"),
    "escapes": ({"target": f"https://{HOST}/%73ale"}, "/sale"),
    "placeholder": ({"target": f"https://{HOST}/{{code}}"}, "/sale"),
    "query-placeholder": ({"target": f"https://{HOST}/{{query.to}}"}, "/sale?to=sale"),
    "path": ({"forward_path": True}, "/sale/more"),
    "forwarded-query": ({"forward_query": True}, "/sale?a=b"),
    "permanent": ({"status": 308}, "/sale"),
    "rule": ({"target": "https://example.com/", **rule(target=f"https://{HOST}/sale")}, "/sale"),
}


class TestLinksThatWereThere:
    @pytest.mark.parametrize("host", ["go.example", HOST])
    @pytest.mark.parametrize(("fields", "path"), LEADING_TO_ITSELF.values(), ids=list(LEADING_TO_ITSELF))
    @on_sqlite
    def test_a_redirect_to_itself_is_answered_as_not_found(
        self, client: TestClient, fields: dict[str, Any], path: str, host: str
    ) -> None:
        make(client, "sale", **fields)
        headers = {"host": host, "accept-language": "de", "accept": "text/html"}
        assert client.get(path, headers=headers).status_code in {302, 308}
        told = take_over(client)
        answer = client.get(path, headers=headers)
        assert (answer.status_code, "location" in answer.headers) == (404, False)
        assert "sale" in answer.text
        assert "'sale'" in told["warnings"][0]
        body = {"accept_language": "de", "path": path[len("/sale") :].partition("?")[0]}
        body["query"] = path.partition("?")[2]
        explained = client.post(f"{LINKS}/sale/explain", json=body).json()
        assert (explained["outcome"], explained["location"]) == ("not-found", None)

    def test_by_an_alias(self, client: TestClient) -> None:
        make(client, "other", f"https://{HOST}/sale")
        client.post(f"{LINKS}/other/aliases", json={"code": "sale"}).raise_for_status()
        take_over(client)
        assert {client.get(f"/{code}", headers={"host": HOST}).status_code for code in ("sale", "other")} == {404}

    def test_with_the_domains_not_found_target(self, client: TestClient) -> None:
        make(client, "sale")
        client.post(DOMAINS, json={"name": HOST, "not_found_target": "https://example.com/lost"}).raise_for_status()
        assert client.get("/sale", headers={"host": HOST}).headers["location"] == "https://example.com/lost"
        assert client.get("/sale").status_code == 404

    def test_one_that_is_over_stays_over(self, client: TestClient) -> None:
        yesterday = (datetime.now(UTC) - timedelta(1)).isoformat()
        make(client, "sale", "https://example.com/", expires_at=yesterday, expired_target=f"https://{HOST}/sale")
        assert client.get("/sale").status_code == 302
        take_over(client)
        assert client.get("/sale", headers={"host": HOST}).status_code == 410

    def test_no_slot_is_taken_and_nothing_is_said_before_the_password(self, client: TestClient, parts: Any) -> None:
        make(client, "sale", password="open sesame", max_clicks=1)
        take_over(client)
        assert client.get("/sale").status_code in {401, 403}
        assert client.get("/sale", headers={"x-link-password": "open sesame"}).status_code == 404
        with parts.database.read() as connection:
            assert connection.exec_driver_sql("SELECT used FROM link").scalar() == 0

    #: By name: where else on the domain a link may lead, which is no loop.
    ELSEWHERE = {
        "home": f"https://{HOST}/",
        "another-link": f"https://{HOST}/other",
        "unknown-code": f"https://{HOST}/nothing",
        "behind-a-code": f"https://{HOST}/sale/more",
        "preview": f"https://{HOST}/sale+",
        "qr": f"https://{HOST}/sale.svg",
        "another-port": f"https://{HOST}:8443/sale",
        "another-host": "https://example.com/sale",
    }

    @pytest.mark.parametrize("target", ELSEWHERE.values(), ids=list(ELSEWHERE))
    @on_sqlite
    def test_other_redirects_go_on(self, client: TestClient, target: str) -> None:
        make(client, "sale", target)
        make(client, "other", "https://example.com/")
        take_over(client)
        for host in ("go.example", HOST):
            answer = client.get("/sale", headers={"host": host})
            assert (answer.status_code, answer.headers["location"]) == (302, target)

    def test_the_domains_own_link_of_that_code_is_another_one(self, client: TestClient) -> None:
        make(client, "sale")
        take_over(client)
        make(client, "sale", "https://example.com/own", domain=HOST)
        assert client.get("/sale").headers["location"] == f"https://{HOST}/sale"
        assert client.get("/sale", headers={"host": HOST}).headers["location"] == "https://example.com/own"

    def test_they_are_told_in_the_domains_answer(self, client: TestClient, parts: Any) -> None:
        client.post(DOMAINS, json={"name": "b.example", "home_target": f"https://{HOST}/"}).raise_for_status()
        for number in range(12):
            make(client, f"link{number}")
        make(client, "elsewhere", f"https://example.com/?next=https://{HOST}/")
        make(client, "gone")
        links.delete(parts.database, "gone", actor="test")
        about_links, about_domain = take_over(client)["warnings"]
        assert about_links.startswith("12 links lead to this domain: 'link0', 'link1'")
        assert "and 2 more" in about_links
        assert about_domain == "home_target of the domain 'b.example' leads to this domain: change it."
        for number in range(12):
            edits = {"target": "https://example.com/"}
            links.edit(parts.database, POLICY, f"link{number}", edits, actor="test")
        assert client.get(f"{DOMAINS}/{HOST}").json()["warnings"] == [about_domain]

    def test_nothing_leads_there(self, client: TestClient) -> None:
        links.create(
            client.app.state.parts.database,  # type: ignore[attr-defined]
            POLICY,
            LinkDraft(target="https://example.com/", code="sale"),
            actor="test",
        )
        assert take_over(client)["warnings"] == []
