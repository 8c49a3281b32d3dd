"""A person follows a short link, and the statistics say so within two seconds."""

from playwright.sync_api import Browser, Page

from tests.server import Server, eventually


def test_a_visit_is_redirected_and_counted(page: Page, server: Server, landing: str, scheme: str) -> None:
    with server.client() as api:
        link = api.post("/api/v1/links", json={"target": landing}).json()
        page.goto(link["short_url"])
        assert page.url == landing
        assert page.title() == "landed"

        def clicks() -> dict[str, int]:
            answer = api.get(f"/api/v1/links/{link['code']}/stats").json()
            return {**answer["excluded"], "human": answer["totals"]["clicks"]}

        eventually(lambda: clicks() != {"human": 0}, seconds=2.0)
        # Headless chromium says that it is one; whoever sits before a window is a person.
        assert clicks() in ({"human": 1}, {"bot": 1, "human": 0})


def test_a_person_is_a_person(server: Server, landing: str, chromium: Browser) -> None:
    """With the user agent that the same browser has before a person's eyes."""
    agent = chromium.new_page().evaluate("navigator.userAgent").replace("HeadlessChrome", "Chrome")
    headed = chromium.new_context(user_agent=agent)
    with server.client() as api:
        link = api.post("/api/v1/links", json={"target": landing}).json()
        headed.new_page().goto(link["short_url"])
        stats = f"/api/v1/links/{link['code']}/stats"
        eventually(lambda: api.get(stats).json()["totals"] == {"clicks": 1, "unique": 1}, seconds=2.0)
        by_browser = api.get(stats, params={"group_by": "browser"}).json()["data"]
        assert by_browser == [{"value": "Chrome", "clicks": 1, "unique": 1}]
        # curl is a robot: it is counted, and left out.
        api.get(f"/{link['code']}", headers={"user-agent": "curl/8.5.0"})
        eventually(lambda: api.get(stats).json()["excluded"] == {"bot": 1}, seconds=2.0)
    headed.close()
