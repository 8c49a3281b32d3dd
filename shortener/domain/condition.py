"""Conditions: what a rule may ask of a visit, one kind a name. The names are Shlink's where it has them.

To add a kind, add it to `_KINDS` at the end: how its value is checked, and the test that it becomes.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from shortener import errors
from shortener.domain import country, device, host, language, network, schedule, text
from shortener.domain.click import ClickClass
from shortener.domain.language import Accepted
from shortener.domain.visitor import Address

MAX_KEY_LENGTH = 128
MAX_VALUE_LENGTH = 512

_WITH_SUBDOMAINS = "*."
_CLASSES = {kind.label: kind for kind in ClickClass}


@dataclass(frozen=True, slots=True)
class Condition:
    """Something that must be so. `type` is one of TYPES, which says which of the others it has."""

    type: str
    key: str | None = None
    value: str | None = None


class Facts(Protocol):
    """What conditions may ask. They ask for no more than they need, so facts may be worked out when asked for."""

    @property
    def device(self) -> str | None:
        """As domain.click.device says."""

    @property
    def os(self) -> str | None:
        """ua-parser's family."""

    @property
    def browser(self) -> str | None:
        """ua-parser's family."""

    @property
    def languages(self) -> Accepted:
        """As domain.language.accepted gives them."""

    @property
    def own_languages(self) -> Collection[str]:
        """As domain.language.own gives them."""

    @property
    def country(self) -> str | None:
        """ISO 3166-1, two capital letters."""

    @property
    def region(self) -> str | None:
        """In English."""

    @property
    def city(self) -> str | None:
        """In English."""

    @property
    def query(self) -> Mapping[str, Collection[str]]:
        """Each parameter's different values, decoded; empty ones too. Raises TooManyParameters."""

    @property
    def referrer_host(self) -> str | None:
        """As domain.click.referrer_host gives it: in lower case, without `www.`."""

    @property
    def address(self) -> Address | None:
        """The visitor's, IPv4 even when mapped into IPv6."""

    @property
    def click_class(self) -> ClickClass:
        """What kind of visitor it is."""

    @property
    def now(self) -> datetime:
        """The moment of the visit, aware."""


#: Whether a condition holds. Raises only what a fact raises.
Test = Callable[[Facts], bool]
#: The normal form of a value, a fixed point. Raises ValueError where it is none, saying what would be right.
Check = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class _Kind:
    """A kind. `check` is None where it has no value; `test` gets key and value, empty where it has none."""

    check: Check | None
    test: Callable[[str, str], Test]
    has_key: bool = False


def check(condition: Condition, *, name: str) -> Condition:
    """`condition` in normal form, a fixed point. Errors blame the field at fault below `name`.

    Raises RuleInvalid for what cannot be meant, and for what no visit could meet.
    """
    kind = _KINDS.get(condition.type)
    if kind is None:
        raise _invalid(f"There is no condition {_shown(condition.type)}, but {', '.join(TYPES)}.", f"{name}.type")
    subject = f"A condition '{condition.type}'"
    key = _present(condition.key, MAX_KEY_LENGTH, kind.has_key, subject, f"{name}.key")
    value = _present(condition.value, MAX_VALUE_LENGTH, kind.check is not None, subject, f"{name}.value")
    if value is not None and kind.check is not None:
        try:
            value = kind.check(value)
        except (ValueError, errors.Refused) as error:
            raise _invalid(str(error), f"{name}.value") from error
    return replace(condition, key=key, value=value)


def compiled(condition: Condition) -> Test:
    """The test of a condition that has passed `check`, with everything worked out that no visit changes.

    What this version cannot read (a kind of a later one, a time zone that is no more) never holds.
    """
    kind = _KINDS.get(condition.type)
    try:
        return kind.test(condition.key or "", condition.value or "") if kind else _never
    except (ValueError, LookupError, errors.Refused):
        return _never


def _never(_: Facts) -> bool:
    return False


def _invalid(detail: str, name: str) -> errors.RuleInvalid:
    return errors.RuleInvalid(detail, field=name)


def _shown(value: str) -> str:
    return f"'{text.printable(value[:64])}'"


def _present(given: str | None, most: int, wanted: bool, subject: str, name: str) -> str | None:
    """A key or value that is there where it is wanted and nowhere else; an empty one is none."""
    part = name.rpartition(".")[2]
    if bool(given) is not wanted:
        raise _invalid(f"{subject} {'needs a' if wanted else 'has no'} {part}.", name)
    wrong = text.forbidden_character(given) if given else None
    if wrong is not None:
        raise _invalid(f"The {part} contains {text.visible(wrong)}; remove it.", name)
    if given and len(given) > most:
        raise _invalid(f"The {part} has {len(given)} characters; at most {most} are allowed.", name)
    return given or None


def _one_of(allowed: Collection[str]) -> Check:
    def check_one(value: str) -> str:
        if value.lower() not in allowed:
            raise ValueError(f"{_shown(value)} is none of {', '.join(allowed)}.")
        return value.lower()

    return check_one


def _check_name(value: str) -> str:
    """Of a place or a program."""
    normal = " ".join(text.nfc(value).split())
    if not normal:
        raise ValueError("The value is nothing but space.")
    return normal


def _check_language(value: str) -> str:
    normal = language.normal_form(value)
    if normal is None:
        raise ValueError(f"{_shown(value)} is no language; write de, pt-BR or zh-Hant.")
    return normal


def _check_referrer(value: str) -> str:
    """As referrers' hosts are told: ASCII, without `www.`. A `*.` in front stays."""
    written = value.strip()
    front = _WITH_SUBDOMAINS if written.startswith(_WITH_SUBDOMAINS) else ""
    try:
        found = host.normal_form(written.removeprefix(front)).strip("[]").removeprefix("www.")
    except errors.DomainInvalid as error:
        how = "write example.com, or *.example.com for what lies below it too"
        raise ValueError(f"{_shown(value)} is no host; {how}.") from error
    return front + found


def _check_address(value: str) -> str:
    try:
        return network.normal_form(value)
    except ValueError as error:
        how = "write an address (192.0.2.1), a network (192.0.2.0/24) or a pattern (192.0.*.*)"
        raise ValueError(f"{_shown(value)} is no address; {how}.") from error


def _device(_: str, value: str) -> Test:
    return lambda visit: device.takes_in(value, visit.device, visit.os)


def _system(_: str, value: str) -> Test:
    return lambda visit: (visit.os or "").lower() == value


def _browser(_: str, value: str) -> Test:
    return lambda visit: value in device.browser_names(visit.browser or "")


def _language(_: str, value: str) -> Test:
    wanted = value.lower()
    return lambda visit: wanted in visit.own_languages


def _country(_: str, value: str) -> Test:
    return lambda visit: visit.country == value


def _region(_: str, value: str) -> Test:
    wanted = value.casefold()
    return lambda visit: (visit.region or "").casefold() == wanted


def _city(_: str, value: str) -> Test:
    wanted = value.casefold()
    return lambda visit: (visit.city or "").casefold() == wanted


def _query(key: str, value: str) -> Test:
    return lambda visit: value in visit.query.get(key, ())


def _query_any(key: str, _: str) -> Test:
    return lambda visit: key in visit.query


def _query_valueless(key: str, _: str) -> Test:
    return lambda visit: "" in visit.query.get(key, ())


def _referrer(_: str, value: str) -> Test:
    wanted = value.removeprefix(_WITH_SUBDOMAINS)
    if wanted == value:
        return lambda visit: visit.referrer_host == value
    below = f".{wanted}"
    return lambda visit: visit.referrer_host == wanted or (visit.referrer_host or "").endswith(below)


def _address(_: str, value: str) -> Test:
    pattern = network.pattern(value)
    return lambda visit: pattern.takes_in(visit.address)


def _before(_: str, value: str) -> Test:
    moment = datetime.fromisoformat(value)
    return lambda visit: visit.now < moment


def _after(_: str, value: str) -> Test:
    """From the moment on, so that at every moment one of before and after it holds."""
    moment = datetime.fromisoformat(value)
    return lambda visit: visit.now >= moment


def _weekly(_: str, value: str) -> Test:
    holds = schedule.compiled(value)
    return lambda visit: holds(visit.now)


def _visitor_class(_: str, value: str) -> Test:
    wanted = _CLASSES[value]
    return lambda visit: visit.click_class is wanted


_KINDS = {
    "device": _Kind(_one_of(device.NAMES), _device),
    "operating-system": _Kind(lambda value: device.system_name(_check_name(value)), _system),
    "browser": _Kind(lambda value: _check_name(value).lower(), _browser),
    "language": _Kind(_check_language, _language),
    "geolocation-country-code": _Kind(country.normal_form, _country),
    "geolocation-region-name": _Kind(_check_name, _region),
    "geolocation-city-name": _Kind(_check_name, _city),
    "query-param": _Kind(str, _query, has_key=True),
    "any-value-query-param": _Kind(None, _query_any, has_key=True),
    "valueless-query-param": _Kind(None, _query_valueless, has_key=True),
    "referrer-host": _Kind(_check_referrer, _referrer),
    "ip-address": _Kind(_check_address, _address),
    "before-date": _Kind(schedule.normal_moment, _before),
    "after-date": _Kind(schedule.normal_moment, _after),
    "weekly-schedule": _Kind(schedule.normal_form, _weekly),
    "visitor-class": _Kind(_one_of(_CLASSES), _visitor_class),
}
#: What a condition can be about.
TYPES = tuple(_KINDS)
