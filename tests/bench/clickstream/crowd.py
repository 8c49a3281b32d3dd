"""Those who click, and how they came: real user agents, addresses by country, languages, referrers, campaigns.

All is packed beforehand as parts of frames, since a click has a few microseconds.
"""

import json
import random
from collections.abc import Mapping, Sequence
from functools import cache
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from urllib.parse import urlsplit

import crawleruseragents
import iptocc

from shortener.clicks import frame
from shortener.domain import visitor

_DATA = Path(__file__).parents[2] / "data"
#: Kinds of visitors that are made: browser, language and network. Each stands for many visitors.
KINDS = 30_000
#: Addresses drawn of IPv4 and of IPv6: few of the latter are given out. A little less than half of those that are
#: left are IPv6, as of Google's users.
_DRAWN, _DRAWN_V6 = 10_000, 50_000
#: Ways to come that are made.
WAYS = 12_000
#: Paths that scanners ask for.
_PATHS = ("wp-login.php", ".env", "admin", "xmlrpc.php", "robots.txt", "index.php", "phpmyadmin", "favicon.ico")
#: Mistyped and forgotten codes beside them.
_LOST_CODES = 500

#: Weights of countries; what they leave is anywhere.
_COUNTRIES = {
    "US": 20,
    "IN": 9,
    "DE": 9,
    "GB": 7,
    "BR": 6,
    "FR": 6,
    "JP": 4,
    "CA": 4,
    "NL": 3,
    "ES": 3,
    "IT": 3,
    "PL": 2,
    "AU": 2,
    "MX": 2,
    "KR": 2,
    "SE": 1,
    "CH": 1,
    "AT": 1,
}
_ANYWHERE = 15
_LANGUAGES = {
    "DE": "de-DE,de;q=0.9,en;q=0.8",
    "AT": "de-AT,de;q=0.9,en;q=0.8",
    "CH": "de-CH,de;q=0.9,fr;q=0.8",
    "BR": "pt-BR,pt;q=0.9",
    "FR": "fr-FR,fr;q=0.9,en;q=0.7",
    "JP": "ja,en-US;q=0.7",
    "NL": "nl-NL,nl;q=0.9,en;q=0.8",
    "ES": "es-ES,es;q=0.9",
    "MX": "es-MX,es;q=0.9",
    "IT": "it-IT,it;q=0.9",
    "PL": "pl-PL,pl;q=0.9,en;q=0.8",
    "KR": "ko-KR,ko;q=0.9",
    "SE": "sv-SE,sv;q=0.9,en;q=0.8",
    "CN": "zh-CN,zh;q=0.9",
    "RU": "ru,en;q=0.8",
    "TR": "tr-TR,tr;q=0.9",
    "ID": "id-ID,id;q=0.9",
    "VN": "vi-VN,vi;q=0.9",
}
_ENGLISH = ("en-US,en;q=0.9", "en-GB,en;q=0.9", "")
#: Registries' large blocks of IPv6 (iana.org, ipv6-unicast-address-assignments).
_IPV6_BLOCKS = ("2400", "2600", "2601", "2800", "2a00", "2a01", "2a02", "2c0f")

#: How people come: nothing is said of more than half.
_UNSAID = 55
_PLATFORMS = {
    "https://www.google.com": 10,
    "https://www.facebook.com": 6,
    "https://t.co": 5,
    "https://www.instagram.com": 4,
    "https://www.linkedin.com": 4,
    "https://www.reddit.com": 3,
    "https://news.ycombinator.com": 1,
    "android-app://com.slack": 1,
    "https://www.bing.com": 1,
}
#: Weight of real hosts, the first of them most.
_SITES = 10
#: One in so many comes with a campaign's parameters.
_CAMPAIGN_EVERY = 5
_CAMPAIGNS = 300
_CHANNELS = (
    ("newsletter", "email"),
    ("google", "cpc"),
    ("facebook", "social"),
    ("x", "social"),
    ("partner", "affiliate"),
)

#: A visitor part begins with the day of its salt and the visitor's hash, 4 and 8 bytes; these come later.
_IDENTITY_BYTES = 12
#: Networks by country.
Networks = Mapping[str, Sequence[bytes]]

NOBODY = frame.pack_visitor(salt_day=0, visitor_hash=0, network=b"", user_agent="", language="")
NOTHING_MORE = frame.pack_request("", {})


def networks_of(dice: random.Random) -> Networks:
    """Networks by country: drawn from everywhere, and looked up."""
    found: dict[str, list[bytes]] = {}
    drawn: list[IPv4Address | IPv6Address] = [IPv4Address(dice.randrange(1 << 24, 224 << 24)) for _ in range(_DRAWN)]
    for address in drawn + [_somewhere_v6(dice) for _ in range(_DRAWN_V6)]:
        country = iptocc.country_code(str(address))
        if country:
            found.setdefault(country, []).append(visitor.network_bytes(address))
    return found


def people(dice: random.Random, networks: Networks, kinds: int = KINDS) -> list[bytes]:
    """Visitor parts, without who it is, of people: browsers by their weights, networks by their countries'."""
    lines = [json.loads(line) for line in (_DATA / "user-agents.jsonl").read_text().splitlines()]
    agents = dice.choices([line["user_agent"] for line in lines], [line["weight"] for line in lines], k=kinds)
    anywhere = [country for country in networks if country not in _COUNTRIES]
    names = [*_COUNTRIES, *anywhere]
    weights = [*_COUNTRIES.values(), *([_ANYWHERE / len(anywhere)] * len(anywhere))]
    made = []
    for agent, country in zip(agents, dice.choices(names, weights, k=kinds), strict=True):
        language = _LANGUAGES.get(country) or dice.choice(_ENGLISH)
        made.append(_visitor(dice.choice(networks[country]), agent, language))
    return made


def robots(dice: random.Random, networks: Networks, kinds: int = KINDS // 10) -> list[bytes]:
    """The same of robots, few of which make most of their visits."""
    names = [name for entry in crawleruseragents.CRAWLER_USER_AGENTS_DATA for name in entry.get("instances", ())]
    dice.shuffle(names)
    agents = dice.choices(names, [1 / (place + 1) for place in range(len(names))], k=kinds)
    # They sit in data centres.
    seats = [network for country in ("US", "DE", "NL", "SG") for network in networks.get(country, ())]
    return [_visitor(dice.choice(seats), agent[: visitor.MAX_USER_AGENT_BYTES], "") for agent in agents]


def ways(dice: random.Random, count: int = WAYS) -> list[bytes]:
    """Request parts: referring sites, and campaigns' parameters."""
    sites = _sites()
    origins = ["", *_PLATFORMS, *sites]
    zipf = [1 / (place + 1) for place in range(len(sites))]
    weights = [_UNSAID, *_PLATFORMS.values(), *(_SITES * each / sum(zipf) for each in zipf)]
    made = []
    for number, origin in enumerate(dice.choices(origins, weights, k=count)):
        utm = _campaign(dice) if number % _CAMPAIGN_EVERY == 0 else {}
        made.append(frame.pack_request(origin, utm))
    return made


def orphans(dice: random.Random) -> list[bytes]:
    """Link parts of paths that no link has."""
    lost = [f"{dice.getrandbits(30):x}" for _ in range(_LOST_CODES)]
    return [frame.pack_orphan("", path) for path in (*_PATHS * 20, *lost)]


def _visitor(network: bytes, agent: str, language: str) -> bytes:
    whole = frame.pack_visitor(salt_day=0, visitor_hash=0, network=network, user_agent=agent, language=language)
    return whole[_IDENTITY_BYTES:]


def _campaign(dice: random.Random) -> dict[str, str]:
    # The newer the more: the square root of a uniform number leans to its end.
    number = int(dice.random() ** 0.5 * _CAMPAIGNS)
    source, medium = _CHANNELS[number % len(_CHANNELS)]
    utm = {"utm_source": source, "utm_medium": medium, "utm_campaign": f"campaign-{number}"}
    if medium == "cpc":
        utm["utm_term"] = f"term {dice.randrange(_CAMPAIGNS)}"
    if number % 2:
        utm["utm_content"] = dice.choice(("header", "button", "footer"))
    return utm


@cache
def _sites() -> Sequence[str]:
    """Origins of real sites, once each, in the order in which they stand in the list."""
    addresses = (urlsplit(line) for line in (_DATA / "urls.txt").read_text().splitlines())
    return list(dict.fromkeys(f"{each.scheme}://{each.netloc}".lower() for each in addresses if each.netloc))


def _somewhere_v6(dice: random.Random) -> IPv6Address:
    return IPv6Address(f"{dice.choice(_IPV6_BLOCKS)}:{dice.getrandbits(16):x}:{dice.getrandbits(16):x}::")
