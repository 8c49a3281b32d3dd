"""Clicks: what one is, which kind of visitor made it, and along which dimensions clicks are broken down."""

import re
from enum import IntEnum, IntFlag
from urllib.parse import urlsplit

from shortener.domain import language as languages
from shortener.domain import query as queries
from shortener.domain import text

#: Longest label of a dimension's value, in characters.
MAX_LABEL_LENGTH = 512
#: What stands for further values once a dimension has had its new labels of the day.
OTHER_LABEL = "(other)"
#: A click may be dated this far ahead of the drainer's clock, milliseconds: machines disagree by less.
MAX_AHEAD_MS = 5 * 60 * 1000


class ClickClass(IntEnum):
    """Who made a click. The numbers are stored; the names are what the API says."""

    HUMAN = 1
    BOT = 2
    #: A messenger or network that fetches the link to show a card.
    PREVIEW = 3
    #: A browser that fetches ahead of a click that may never come.
    PREFETCH = 4
    #: A service that checks whether the link works.
    MONITOR = 5

    @property
    def label(self) -> str:
        """The name as the API says it."""
        return self.name.lower()


class Flag(IntFlag):
    """What the request itself said, as bits of a frame."""

    PREFETCH = 1
    QR = 2
    DO_NOT_TRACK = 4
    #: The path was not that of the link, but what people make of it (web/redirects).
    TYPED = 8


class Dimension(IntEnum):
    """What clicks can be broken down by. The numbers are stored; the names are what the API says.

    They stand in the order in which their values are learnt (clicks/enrich), not of their numbers.
    """

    REFERRER = 1
    #: Its origin or its page, as the instance keeps it.
    REFERRER_URL = 17
    BROWSER = 2
    OS = 3
    DEVICE = 4
    COUNTRY = 5
    #: Where the operator's geographic data has them.
    REGION = 15
    CITY = 16
    LANGUAGE = 6
    UTM_SOURCE = 7
    UTM_MEDIUM = 8
    UTM_CAMPAIGN = 9
    UTM_TERM = 10
    UTM_CONTENT = 11
    CODE = 12
    #: Which target of a rule's split was served.
    VARIANT = 13
    #: How the visitor came: `qr`, `typed`, or nothing for a plain link.
    TRIGGER = 14

    @property
    def label(self) -> str:
        """The name as the API says it; also the column of the raw table."""
        return self.name.lower()


#: What every click has a value of: it was by its code that its link was found.
ALWAYS_KNOWN = frozenset({Dimension.CODE})

UTM_PARAMETERS = ("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content")

#: Robots' tags in crawler-user-agents, in the order in which they decide.
_CLASS_OF_TAG = {"social-preview": ClickClass.PREVIEW, "monitoring": ClickClass.MONITOR}
DECISIVE_TAGS = frozenset(_CLASS_OF_TAG)
#: Tags of robots whose names are also those of apps to browse with, everywhere and on phones. Monitors, scanners and
#: automated browsers have none.
TAGS_OF_APPS = frozenset({"search-engine", "social-preview", "feed-reader"})
TAGS_OF_PHONES_APPS = frozenset({"seo", "advertising", "archiver", "academic", "http-library", "ai-crawler"})
#: RFC 3986 section 3.1. A Referer may also be a relative reference, and one of those may hold "://" in its query.
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*")
#: What ends the path of an address (RFC 3986 section 3.3), and where people take a backslash for a slash.
_AFTER_PATH = re.compile(r"[?#\\]")


def is_prefetch(purpose: str) -> bool:
    """Whether a `Sec-Purpose`, `Purpose` or `X-Moz` header says that nobody has clicked yet."""
    return "prefetch" in purpose.lower() or "preview" in purpose.lower()


def class_of_program(tags: frozenset[str]) -> ClickClass:
    """Which kind of program made a click; `tags` are those of DECISIVE_TAGS that the robots' list gives it."""
    return next((kind for tag, kind in _CLASS_OF_TAG.items() if tag in tags), ClickClass.BOT)


def language(accepted: str) -> str | None:
    """The primary subtag of the language wanted most by an Accept-Language header, as rules read it."""
    return languages.primary(languages.accepted(accepted))


def referrer_origin(referrer: str) -> str:
    """Scheme, host and port of a Referer header, without anything that could name a person or a page."""
    scheme, found, rest = referrer.partition("://")
    authority = re.split(r"[/?#\\]", rest, maxsplit=1)[0].rpartition("@")[2]
    return f"{scheme}://{authority}"[:MAX_LABEL_LENGTH] if found and _SCHEME.fullmatch(scheme) else ""


def referrer_page(referrer: str) -> str:
    """The same and its path, without query and fragment, cut to MAX_LABEL_LENGTH.

    The path `/` is left out: a browser that tells no page says `https://news.example/`.
    """
    origin = referrer_origin(referrer)
    if not origin or origin.endswith("://"):
        return origin
    _, _, rest = referrer.partition("://")
    path = _AFTER_PATH.split(rest, maxsplit=1)[0].partition("/")[2]
    return f"{origin}/{path}"[:MAX_LABEL_LENGTH] if path else origin


def referrer_host(referrer: str) -> str | None:
    """The host of a referrer's origin or page, in lower case without `www.`, or None."""
    try:
        host = urlsplit(referrer).hostname or ""
    except ValueError:
        return None
    return label(host.removeprefix("www."))


def utm(query: str) -> dict[str, str]:
    """The `utm_*` parameters of a query string, the first of each name, cut to MAX_LABEL_LENGTH."""
    if "utm_" not in query:
        return {}
    found: dict[str, str] = {}
    for name, value in queries.parse(query):
        if name in UTM_PARAMETERS and name not in found and value:
            found[name] = value[:MAX_LABEL_LENGTH]
    return found


def label(value: str) -> str | None:
    """`value` as it stands in statistics: printable, without space around it, cut; None if nothing is left."""
    cleaned = "".join(c for c in value[:MAX_LABEL_LENGTH] if text.forbidden_character(c) is None)
    # Normal form last, since a removed character may have kept two others apart; it may be longer.
    return text.nfc(cleaned).strip()[:MAX_LABEL_LENGTH].rstrip() or None
