"""User agents: what one says of itself, from lists in libraries, and the class of those who use it.

Cached, because few user agents make most clicks. Apart from the rest of enrichment, because a worker needs a class
now and then (and only a class) and should not hold the parser's 26 MB for it.
"""

import re
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from shortener import lazy
from shortener.domain import click as clicks
from shortener.domain.click import ClickClass, Flag

if TYPE_CHECKING:
    import crawleruseragents
    import ua_parser
else:
    crawleruseragents = lazy.module("crawleruseragents")
    ua_parser = lazy.module("ua_parser")

#: Parsed user agents kept: a parse costs 100 µs, a hit 0.13; the busiest 8,192 make nearly all clicks.
_AGENTS_KEPT = 8192
_SPIDER = "Spider"


@dataclass(frozen=True, slots=True)
class Agent:
    """What a user agent says of itself. Families are ua-parser's names."""

    #: The class of its clicks, prefetches aside.
    click_class: ClickClass
    browser: str | None
    os: str | None
    device: str | None


@lru_cache(_AGENTS_KEPT)
def agent(user_agent: str) -> Agent:
    """What `user_agent`, already cut to its longest length, says."""
    parsed = ua_parser.parse(user_agent)
    spider = parsed.device is not None and parsed.device.family == _SPIDER
    os = parsed.os.family if parsed.os else None
    return Agent(
        click_class=_classify(user_agent, spider=spider),
        browser=parsed.user_agent.family if parsed.user_agent else None,
        os=os,
        device=None if spider else clicks.device(user_agent, os),
    )


def click_class(user_agent: str, flags: Flag) -> ClickClass:
    """The class of a click made with `user_agent` under `flags`: the same as by `agent`, without its parser."""
    found = _class_alone(user_agent)
    return ClickClass.PREFETCH if found is ClickClass.HUMAN and Flag.PREFETCH in flags else found


@lru_cache(_AGENTS_KEPT)
def _class_alone(user_agent: str) -> ClickClass:
    found = _classify(user_agent, spider=False)
    # Only the first rule that matches counts, and most rules name devices: few browsers match a spider's at all.
    if found is ClickClass.HUMAN and any(rule.search(user_agent) for rule in _spider_rules()):
        return agent(user_agent).click_class
    return found


def _classify(user_agent: str, *, spider: bool) -> ClickClass:
    return clicks.classify(
        user_agent=user_agent, crawler_tags=_crawler_tags(user_agent), spider=spider, prefetch=False
    )


def _crawler_tags(user_agent: str) -> frozenset[str] | None:
    """Those of clicks.DECISIVE_TAGS that the robot called `user_agent` has, or None if it is no robot."""
    if not crawleruseragents.is_crawler(user_agent):
        return None
    return frozenset(tag for tag in clicks.DECISIVE_TAGS if _patterns(tag).search(user_agent))


@cache
def _patterns(tag: str) -> re.Pattern[str]:
    """One pattern of all robots that have `tag`."""
    entries = crawleruseragents.CRAWLER_USER_AGENTS_DATA
    return re.compile("|".join(entry["pattern"] for entry in entries if tag in entry.get("tags", ())))


@cache
def _spider_rules() -> tuple[re.Pattern[str], ...]:
    """What leads to the parser's answer that a user agent is a robot's: without a match it cannot say so."""
    _, _, devices = ua_parser.load_lazy_builtins()
    rules = (re.compile(rule.regex, rule.flags) for rule in devices if getattr(rule, "family", None) == _SPIDER)
    # A rule may also take the family from the user agent itself.
    return (*rules, re.compile(_SPIDER))
