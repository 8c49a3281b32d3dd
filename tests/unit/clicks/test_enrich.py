"""Enrichment: real browsers are people, real robots are not, and what else a click's facts tell."""

from ipaddress import ip_address

import crawleruseragents
import pytest

from shortener.clicks import enrich
from shortener.domain import visitor
from shortener.domain.click import UTM_PARAMETERS, Click, ClickClass, Dimension, Flag
from tests.conftest import FIREFOX

CHROME_ON_ANDROID = (
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/153.0.0.0 Mobile Safari/537.36"
)
SAFARI_ON_IPAD = (
    "Mozilla/5.0 (iPad; CPU OS 16_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/16.0 Mobile/15E148 Safari/604.1"
)
NOTHING = Flag(0)


def class_of(user_agent: str) -> ClickClass:
    return enrich.click_class(user_agent, NOTHING)


def test_no_real_browser_is_taken_for_a_robot(browsers: list[dict[str, str]]) -> None:
    assert len(browsers) == 400
    mistaken = [each["user_agent"] for each in browsers if class_of(each["user_agent"]) is not ClickClass.HUMAN]
    assert mistaken == []


def test_real_browsers_are_on_the_devices_they_are_on(browsers: list[dict[str, str]]) -> None:
    wrong = [
        (each["user_agent"], each["device"], found)
        for each in browsers
        if (found := enrich.agent(each["user_agent"]).device) != each["device"]
    ]
    assert len(wrong) <= len(browsers) // 100, wrong


def test_every_real_browser_has_a_name_and_a_system(browsers: list[dict[str, str]]) -> None:
    for each in browsers:
        agent = enrich.agent(each["user_agent"])
        assert agent.browser not in {None, "Other"}, each
        assert agent.os not in {None, "Other"}, each


def test_real_robots_are_not_taken_for_people() -> None:
    robots = [name for entry in crawleruseragents.CRAWLER_USER_AGENTS_DATA for name in entry.get("instances", ())]
    assert len(robots) > 1000
    mistaken = [name for name in robots if class_of(name) is ClickClass.HUMAN]
    assert len(mistaken) <= len(robots) // 20, mistaken


@pytest.mark.parametrize(
    ("tag", "kind"), [("social-preview", ClickClass.PREVIEW), ("monitoring", ClickClass.MONITOR)]
)
def test_robots_are_of_the_class_that_their_tag_says(tag: str, kind: ClickClass) -> None:
    tagged = [entry for entry in crawleruseragents.CRAWLER_USER_AGENTS_DATA if tag in entry.get("tags", ())]
    names = [name for entry in tagged for name in entry.get("instances", ())]
    assert len(names) > 50
    # Some robots are several: the first tag decides.
    assert sum(class_of(name) is kind for name in names) >= 0.95 * len(names)


#: By name: a user agent that must not be mistaken, and its class.
ROBOTS: dict[str, tuple[str, ClickClass]] = {
    "slack": ("Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)", ClickClass.PREVIEW),
    "slack-images": ("Slack-ImgProxy (+https://api.slack.com/robots)", ClickClass.PREVIEW),
    "facebook": ("facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)", ClickClass.PREVIEW),
    "whatsapp": ("WhatsApp/2.23.20.0 A", ClickClass.PREVIEW),
    "twitter": ("Twitterbot/1.0", ClickClass.PREVIEW),
    "discord": ("Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)", ClickClass.PREVIEW),
    "telegram": ("TelegramBot (like TwitterBot)", ClickClass.PREVIEW),
    "linkedin": (
        "LinkedInBot/1.0 (compatible; Mozilla/5.0; Apache-HttpClient +http://www.linkedin.com)",
        ClickClass.PREVIEW,
    ),
    "imessage": (
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_11_1) AppleWebKit/601.2.4 (KHTML, like Gecko) Version/9.0.1 "
        "Safari/601.2.4 facebookexternalhit/1.1 Facebot Twitterbot/1.0",
        ClickClass.PREVIEW,
    ),
    "uptimerobot": ("Mozilla/5.0+(compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)", ClickClass.MONITOR),
    "pingdom": ("Pingdom.com_bot_version_1.4_(http://www.pingdom.com/)", ClickClass.MONITOR),
    "pingdom-in-a-browser": (
        "Mozilla/5.0 (Unknown; Linux x86_64) AppleWebKit/534.34 (KHTML, like Gecko) PingdomTMS/0.8.5 Safari/534.34",
        ClickClass.MONITOR,
    ),
    "googlebot": ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", ClickClass.BOT),
    "googlebot-as-a-phone": (
        f"{CHROME_ON_ANDROID} (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        ClickClass.BOT,
    ),
    "headless-chrome": (
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/153.0.0.0",
        ClickClass.BOT,
    ),
    "curl": ("curl/8.5.0", ClickClass.BOT),
    "wget": ("Wget/1.21.4", ClickClass.BOT),
    "python-requests": ("python-requests/2.34.2", ClickClass.BOT),
    "python-urllib": ("Python-urllib/3.11", ClickClass.BOT),
    "go": ("Go-http-client/1.1", ClickClass.BOT),
    "java": ("Apache-HttpClient/4.5.13 (Java/17)", ClickClass.BOT),
    "okhttp": ("okhttp/4.9.3", ClickClass.BOT),
    "empty": ("", ClickClass.BOT),
    "dash": ("-", ClickClass.BOT),
    "anything": ("My own program", ClickClass.BOT),
}


@pytest.mark.parametrize(("user_agent", "kind"), ROBOTS.values(), ids=list(ROBOTS))
def test_robots(user_agent: str, kind: ClickClass) -> None:
    assert class_of(user_agent) is kind
    # Fetching ahead is what browsers do; a robot stays a robot.
    assert enrich.click_class(user_agent, Flag.PREFETCH) is kind


@pytest.mark.parametrize(
    ("flags", "kind"),
    [
        (NOTHING, ClickClass.HUMAN),
        (Flag.PREFETCH, ClickClass.PREFETCH),
        (Flag.QR, ClickClass.HUMAN),
        (Flag.DO_NOT_TRACK, ClickClass.HUMAN),
        (Flag.PREFETCH | Flag.DO_NOT_TRACK, ClickClass.PREFETCH),
    ],
)
def test_the_flags_of_a_persons_click(flags: Flag, kind: ClickClass) -> None:
    assert enrich.click_class(FIREFOX, flags) is kind


@pytest.mark.parametrize(
    ("user_agent", "browser", "os", "device"),
    [
        (FIREFOX, "Firefox", "Linux", "desktop"),
        (CHROME_ON_ANDROID, "Chrome Mobile", "Android", "mobile"),
        (SAFARI_ON_IPAD, "Mobile Safari", "iOS", "tablet"),
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "Googlebot", None, None),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) Twitterbot/1.0", "Twitterbot", "iOS", None),
        ("curl/8.5.0", "curl", None, None),
        ("", None, None, None),
    ],
    ids=["firefox", "chrome-on-android", "safari-on-ipad", "googlebot", "robot-on-a-phone", "curl", "empty"],
)
def test_agent(user_agent: str, browser: str | None, os: str | None, device: str | None) -> None:
    agent = enrich.agent(user_agent)
    assert (agent.browser, agent.os, agent.device) == (browser, os, device)


@pytest.mark.parametrize(
    ("address", "country"),
    [
        ("8.8.8.8", "US"),
        ("193.0.6.139", "NL"),
        ("2001:4860:4860::8888", "US"),
        ("127.0.0.1", None),
        ("10.1.2.3", None),
        ("192.168.1.1", None),
        ("255.255.255.255", None),
        ("::1", None),
        ("fe80::1", None),
        ("2001:db8::1", None),
    ],
)
def test_country(address: str, country: str | None) -> None:
    assert enrich.country(visitor.network_bytes(ip_address(address))) == country


def test_no_network_has_no_country() -> None:
    assert enrich.country(b"") is None
    assert enrich.country(b"\x08\x08\x08") == "US"


def test_every_value_of_a_click() -> None:
    click = Click(
        time_ms=0,
        link_id=1,
        nonce=0,
        code="sale",
        network=b"\x08\x08\x08",
        user_agent=FIREFOX,
        language="en;q=0.5,de-DE",
        referrer="https://www.News.example:8080",
        utm={name: f" {name}\0 " for name in UTM_PARAMETERS},
    )
    assert enrich.values(click) == {
        Dimension.REFERRER: "news.example",
        Dimension.BROWSER: "Firefox",
        Dimension.OS: "Linux",
        Dimension.DEVICE: "desktop",
        Dimension.COUNTRY: "US",
        Dimension.LANGUAGE: "de",
        Dimension.CODE: "sale",
        **{Dimension[name.upper()]: name for name in UTM_PARAMETERS},
    }
    assert set(enrich.values(click)) == set(Dimension)


def test_what_is_absent_has_no_value() -> None:
    """A click that is not tracked carries time, link and class only."""
    click = Click(time_ms=0, link_id=1, nonce=0, code="sale", click_class=ClickClass.HUMAN, flags=Flag.DO_NOT_TRACK)
    assert enrich.values(click) == {Dimension.CODE: "sale"}


def test_what_says_nothing_has_no_value() -> None:
    click = Click(
        time_ms=0,
        link_id=None,
        nonce=0,
        code="\0",
        network=b"\x7f\0\0",
        user_agent="\x01",
        language="*",
        referrer="https://[",
        utm={"utm_source": "\x85 "},
    )
    assert enrich.values(click) == {}
