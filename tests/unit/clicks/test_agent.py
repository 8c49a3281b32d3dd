"""User agents: real browsers are people, real robots are not, and what else one says of itself."""

import crawleruseragents
import pytest

from shortener.clicks import agent
from shortener.domain.click import ClickClass, Flag
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
    return agent.click_class(user_agent, NOTHING)


def test_no_real_browser_is_taken_for_a_robot(browsers: list[dict[str, str]]) -> None:
    assert len(browsers) == 400
    mistaken = [each["user_agent"] for each in browsers if class_of(each["user_agent"]) is not ClickClass.HUMAN]
    assert mistaken == []


def test_real_browsers_are_on_the_devices_they_are_on(browsers: list[dict[str, str]]) -> None:
    wrong = [
        (each["user_agent"], each["device"], found)
        for each in browsers
        if (found := agent.agent(each["user_agent"]).device) != each["device"]
    ]
    assert len(wrong) <= len(browsers) // 100, wrong


def test_every_real_browser_has_a_name_and_a_system(browsers: list[dict[str, str]]) -> None:
    for each in browsers:
        found = agent.agent(each["user_agent"])
        assert found.browser not in {None, "Other"}, each
        assert found.os not in {None, "Other"}, each


def test_real_robots_are_not_taken_for_people() -> None:
    robots = [name for entry in crawleruseragents.CRAWLER_USER_AGENTS_DATA for name in entry.get("instances", ())]
    assert len(robots) > 1000
    mistaken = [name for name in robots if class_of(name) is ClickClass.HUMAN]
    assert len(mistaken) <= len(robots) // 20, mistaken


def test_each_labelled_agent_is_judged_right(agents: list[dict[str, str]]) -> None:
    wrong = [
        (each, found)
        for each in agents
        if (found := (class_of(each["user_agent"]).label, agent.agent(each["user_agent"]).device))
        != (each["class"], each["device"])
    ]
    assert wrong == []


#: By name: the signs by which a program behind a whole browser is told, wherever they stand.
SIGNS = {
    "name-of-a-robot": "{browser} Examplebot",
    "robot-behind-character-100": "{browser} " + "Example/1.0 " * 12 + "Spider/1.0",
    "contact": "{browser} (+https://example.com/about)",
    "mail": "{browser} (mailto:operator@example.com)",
    "host": "{browser} (scanner.example.com)",
    "compatible": "{browser} (compatible; Example/1.0)",
    "observatory": "{browser} ExampleObservatory/1.0",
    "listed-tool": "{browser} PTST/240101.120000",
}


@pytest.mark.parametrize("sign", SIGNS.values(), ids=list(SIGNS))
@pytest.mark.parametrize("browser", [FIREFOX, CHROME_ON_ANDROID, SAFARI_ON_IPAD], ids=["desk", "phone", "tablet"])
def test_a_program_behind_a_whole_browser_is_told_by_what_it_says(browser: str, sign: str) -> None:
    name = sign.format(browser=browser)
    assert class_of(name) is not ClickClass.HUMAN
    assert agent.agent(name).click_class is class_of(name)


#: By name: what stands for a model or a build, and is also a word in robots' lists.
MODELS = {
    "brand": "ViewSonic V500",
    "model": "HTC_Butterfly",
    "brand-that-ends-in-bot": "CUBOT_X30",
    "build": "CPH2557 Build/AP3A.240617.008",
    "crawler": "Crawler X1",
}


@pytest.mark.parametrize("model", MODELS.values(), ids=list(MODELS))
@pytest.mark.parametrize("app", ["", " Instagram 388.0.0.41.90", " [FB_IAB/FB4A;FBDV/{model};]", " XBrowser/4.1.0"])
def test_a_model_is_no_evidence(model: str, app: str) -> None:
    name = (
        f"Mozilla/5.0 (Linux; Android 15; {model}; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 "
        f"Chrome/142.0.7444.142 Mobile Safari/537.36{app.format(model=model)}"
    )
    assert class_of(name) is ClickClass.HUMAN


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
    assert agent.click_class(user_agent, Flag.PREFETCH) is kind


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
    assert agent.click_class(FIREFOX, flags) is kind


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
    found = agent.agent(user_agent)
    assert (found.browser, found.os, found.device) == (browser, os, device)
