"""Languages: what a visitor reads, by his Accept-Language header, and what the name of a language takes in."""

import re

#: From this quality on a language counts as the visitor's own, as in Shlink. Browsers give those that he set up 1 and
#: 0.9 and those that are only better than nothing less; with any at all nearly everybody would be taken for English.
LEAST_QUALITY = 0.9
#: Ranges of a header that are looked at; browsers send up to ten.
MAX_RANGES = 32

_TAG = re.compile(r"[a-z]{2,3}(?:-[a-z0-9]{1,8})*", re.ASCII | re.IGNORECASE)
_RANGE = re.compile(rf"\s*({_TAG.pattern})\s*(?:;\s*q=(0(?:\.\d{{0,3}})?|1(?:\.0{{0,3}})?))?\s*", _TAG.flags)

#: Tags in lower case with their quality, above 0 and up to 1, the highest first.
Accepted = tuple[tuple[str, float], ...]


def accepted(header: str) -> Accepted:
    """What an Accept-Language header says (RFC 9110 section 12.5.4). `*` and what is malformed are left out."""
    found = []
    for item in header.split(",", MAX_RANGES)[:MAX_RANGES]:
        match = _RANGE.fullmatch(item)
        quality = float(match[2] or 1) if match else 0.0
        if match and quality:
            found.append((match[1].lower(), quality))
    return tuple(sorted(found, key=lambda language: -language[1]))


def normal_form(tag: str) -> str | None:
    """`tag` in the letters that RFC 5646 recommends (`pt-BR`, `zh-Hant`), or None if it is none."""
    first, *others = tag.strip().replace("_", "-").split("-")
    normal = "-".join([first.lower(), *map(_cased, others)])
    return normal if _TAG.fullmatch(normal) else None


def own(languages: Accepted) -> frozenset[str]:
    """The names of the visitor's own languages, by basic filtering (RFC 4647), in lower case.

    `de-at` is `de-at` and `de`, so that a rule about either takes it in; `de` is only `de`.
    """
    names: set[str] = set()
    for tag, quality in languages:
        if quality < LEAST_QUALITY:  # as are all behind it
            break
        subtags = tag.split("-")
        names.update("-".join(subtags[:end]) for end in range(1, len(subtags) + 1))
    return frozenset(names)


def primary(languages: Accepted) -> str | None:
    """The primary subtag of what the visitor reads most gladly, in lower case."""
    return languages[0][0].partition("-")[0] if languages else None


def _cased(subtag: str) -> str:
    return {2: subtag.upper(), 4: subtag.title()}.get(len(subtag), subtag.lower())
