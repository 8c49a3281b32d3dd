"""Devices, systems and browsers: the names by which people ask for them, and what these names take in.

Facts come as domain.click.device and ua-parser's families tell them.
"""

from functools import lru_cache

#: Families that are Linux on a desk.
_LINUX = frozenset(
    {
        "Linux",
        "Linux Mint",
        "Ubuntu",
        "Kubuntu",
        "Lubuntu",
        "Debian",
        "Fedora",
        "Red Hat",
        "CentOS",
        "openSUSE",
        "SUSE",
    }
    | {"Arch Linux", "Gentoo", "Slackware", "Mageia", "Mandriva", "PCLinuxOS", "Puppy", "BackTrack"}
)
_DESKTOP = frozenset({"desktop"})
#: By name: which devices and which systems it takes in; None is any. The first eight are Shlink's: there, as here,
#: `mobile` is phones and tablets, and `desktop` is what is neither.
_KINDS: dict[str, tuple[frozenset[str] | None, frozenset[str] | None]] = {
    "android": (None, frozenset({"Android"})),
    # An iPad calls itself a Mac unless it is told otherwise.
    "ios": (None, frozenset({"iOS"})),
    "mobile": (frozenset({"mobile", "tablet"}), None),
    # Windows says "Tablet PC" on many a laptop.
    "windows": (frozenset({"desktop", "tablet"}), frozenset({"Windows"})),
    "macos": (_DESKTOP, frozenset({"Mac OS X", "Mac OS"})),
    "linux": (_DESKTOP, _LINUX),
    "chromeos": (_DESKTOP, frozenset({"Chrome OS"})),
    "desktop": (_DESKTOP, None),
    "tablet": (frozenset({"tablet"}), None),
    "tv": (frozenset({"tv"}), None),
    "console": (frozenset({"console"}), None),
}
NAMES = tuple(_KINDS)
#: What people call systems that ua-parser calls otherwise.
_SYSTEM_ALIASES = {"macos": "mac os x", "chromeos": "chrome os"}
#: Words that ua-parser adds to a browser's name where it runs on a phone or within another app.
_VARIANT_WORDS = frozenset({"mobile", "ios", "android", "webview", "ui/wkwebview"})
#: Browsers whose names are remembered: anybody can send new ones.
_BROWSERS_KEPT = 1024


def takes_in(name: str, device: str | None, os: str | None) -> bool:
    """Whether a visitor's device is what `name`, one of NAMES, says."""
    devices, systems = _KINDS[name]
    return (devices is None or device in devices) and (systems is None or os in systems)


def system_name(name: str) -> str:
    """ua-parser's name, in lower case, of the system that people call `name`."""
    lowered = " ".join(name.lower().split())
    return _SYSTEM_ALIASES.get(lowered, lowered)


@lru_cache(_BROWSERS_KEPT)
def browser_names(family: str) -> frozenset[str]:
    """What a browser may be called, in lower case: `Chrome Mobile iOS` is also `chrome`."""
    words = family.lower().split()
    return frozenset({" ".join(words), " ".join(word for word in words if word not in _VARIANT_WORDS)})
