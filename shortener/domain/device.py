"""Devices, systems and browsers: the names by which people ask for them, and what these names take in.

Facts come as domain.click.device and ua-parser's families tell them.
"""

import re
from functools import lru_cache

from shortener.domain import television

_CONSOLE = re.compile(r"PlayStation|Xbox|Nintendo", re.IGNORECASE)
#: What tablets say of themselves.
_TABLET = re.compile(
    r"\biPad|Tablet(?! PC)|PlayBook|TouchPad|Pad(?![A-Za-z])|PAD(?![A-Za-z])|/apad\b|(?<![A-Za-z])(?:TAB"
    r"|Tab)(?![A-Za-z])"
    r"|(?<=[A-Z])TAB(?![A-Z])|PocketBook|TPC|Windows.*; Touch\b|\bSlate [78]|Transformer|Iconia|Xoom|XOOM"
    r"|Dell Streak|Nook(?i:color)|[a-z]tab \d"
)
#: Series of tablets of which many say Mobile, by the beginnings of their models.
_TABLET_MODEL = re.compile(
    r"[; _](?:SAMSUNG[ -])?(?:SM-[TX]\d|SM-P[56]|GT-P[5-7]|GT-N(?:51|80)|SGH-T8|SHW-M(?:180|300|380|480))"  # Samsung
    r"|[; ](?:HUAWEI )?(?:AG[RS]\d?|BAH\d?|BG2|BTV|BZ[AWT]|CMR|CPN|DBY\d?|DBR|GOT|JDN\d?|KOB\d?|MON|MRR|MRX"
    r"|SCM(?:R)?|SHT|VRD|WGR)-[A-Z]*\d"
    r"|[; ](?:KF[A-Z]{3,4}\b|BNTV|BNRV|SGP\d|MZ60\d|MI PAD|OPD\d|RMP\d|PA2\d{3}"
    r"|2\d{3,4}[0-9A-Z]?RP\w)"  # Amazon and others
    r"|[; ](?:Lenovo )?(?:TB-?[\dXJ]|YT-|YT3-|A(?:7|8|10)-\d0|A(?:1000|2107|2109|3000|3300|3500|5500|7600)\b"
    r"|S[56]000\b|B[68]0[08]0)"  # Lenovo
    r"|[; ](?:ASUS[ _])?(?:K0[0-1][\dA-Z]\b|P0[0-2][\dA-Z]{1,2}\b|ME\d{3}|TF\d{3}T?\b)"  # Asus
    r"|[; ](?:A1-\d{3}|A3-A\d|B1-[\dA]|B3-A|LG-V\d{3}|LM-T\d|VK\d{3}|T(?:10|20|21)\b(?=[;)]"
    r"| Build))"  # Acer, LG, Nokia
    r"|; ?(?:8(?:0[6-9]\d|1[5-9]\d)[A-Z]|9(?:0(?:0[35679]|1[0-5]|2[03-9]|3\d|4\d|6\d|8\d)|[12]\d\d"
    r"|30\d)[A-Z])"  # Alcatel, TCL
    r"|[; ](?:PM[TP]\d{4}|RCT\d\w{3}|DL\d{3,4}|MID[\dC_-]|ONA1|ViewPad|FunTab|RMD-|TZ\d{2,3}\b|TM-[79]\d{3}"
    r"|BQ(?:ru)?-(?:[789]|1[01])\d{3}(?!\d))"
    r"|[; ](?:i(?:Play|WORK)[_ ]?\d|HiPad|Hi9|ARCHOS|Archos (?:[789]\d|1[013]\d)|Nexus (?:7|9|10)\b|Pixel (?:C"
    r"|Tablet)\b|Venue [78]|Nokia T\d|TECNO P70\d)"
)
_PHONE = re.compile(
    r"Opera Mini|Opera Mobi|iPhone|iPod|BREW|\bREX\b|MIDP|Symb(?:ian|OS)|Series ?[346]0|Windows (?:CE|Phone)|webOS/1"
    r"|IEMobile|BlackBerry|BB10|KAI ?OS|\bUCWEB|Nokia\w*/",
    re.IGNORECASE,
)
_LAPTOP = re.compile(
    r"Chromebook|\b(?:Inspiron|Vostro|Latitude|Aspire|TravelMate|Satellite|ThinkPad|IdeaPad|EliteBook|ProBook"
    r"|Pavilion"
    r"|VivoBook|ZenBook|WayDroid|BlueStacks|NUC\d)"
)
_DESK = re.compile(r"Windows|ms-office|BeOS|Haiku|SunOS")
_IPAD_VIEW = re.compile(r"\bMobile/\w")

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


def system(user_agent: str, family: str | None) -> str | None:
    """The system's family, as ua-parser names it; an iPad whose web view says Macintosh is on iOS."""
    if "Macintosh" in user_agent and _IPAD_VIEW.search(user_agent):
        return "iOS"
    return family


def device(user_agent: str, os: str | None) -> str | None:
    """`mobile`, `tablet`, `tv`, `console` or `desktop`, or None where nothing tells.

    Android says "Mobile" on phones and leaves it out on tablets (Chrome's user-agent guidelines). `os` is the system.
    """
    if _CONSOLE.search(user_agent):
        return "console"
    if television.is_platform(user_agent):
        return "tv"
    if "iPad" in user_agent or (os == "iOS" and "Macintosh" in user_agent):
        return "tablet"
    if _PHONE.search(user_agent):
        return "mobile"
    if "Android" in user_agent:
        return _android_device(user_agent)
    if _TABLET.search(user_agent):
        return "tablet"
    if os == "iOS" or "mobile" in user_agent.lower():
        return "mobile"
    return "desktop" if os or _DESK.search(user_agent) else None


def _android_device(user_agent: str) -> str:
    """Which device it is; the guidelines of Chrome are that phones say Mobile and tablets do not."""
    if _LAPTOP.search(user_agent):
        return "desktop"
    if _TABLET_MODEL.search(user_agent):
        return "tablet"
    if television.is_android_model(user_agent):
        return "tv"
    if _TABLET.search(user_agent):
        return "tablet"
    # A browser that does not end as the guidelines say says nothing by having no "Mobile".
    return "mobile" if "Mobile" in user_agent or "Safari" not in user_agent else "tablet"
