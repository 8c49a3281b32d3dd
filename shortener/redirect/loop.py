"""Loops: redirects by which a link would lead to itself.

New targets on this instance are refused, but a host may become one of its domains when links lead there already.
"""

from dataclasses import replace
from typing import NamedTuple
from urllib.parse import unquote

from shortener.domain import code as codes
from shortener.redirect.answer import Answer, Outcome
from shortener.redirect.domains import Domains
from shortener.redirect.entry import Entry


class Place(NamedTuple):
    """The link that a URL on this instance asks for."""

    domain: str
    #: In normal form.
    code: str


def place_of(location: str | None, entry: Entry, domains: Domains) -> Place | None:
    """The link that a redirect of `entry` to `location` leads to; None if it leads to none of this instance's."""
    if location is None or not domains.is_own(location):
        return None
    _, _, host, *path = location.partition("#")[0].partition("?")[0].split("/", 3)
    code, _, rest = "".join(path).partition("/")
    if rest and not entry.forward_path:
        return None
    normal = codes.normal_form(unquote(code))
    return None if normal is None else Place(domains.of_host(host.encode()), normal)


def broken(given: Answer, not_found_target: str | None) -> Answer:
    """What a visit gets whose answer, `given`, would lead to the same link again: that there is none.

    A link that is over stays over, without its fallback.
    """
    if given.outcome is Outcome.GONE:
        return replace(given, location=None)
    return Answer(Outcome.NOT_FOUND, status=302, location=not_found_target)
