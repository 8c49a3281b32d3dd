"""User agents: whether one has the structure of a browser, and whether it declares a program.

RFC 9110 section 10.1.5 says what one consists of.

A browser names a system, an engine and itself. A program either lacks one of them, or says what it is where a browser
has nothing to say: outside of the comment that names system and model, or with a contact. What stands for a model or
for a build is never evidence: phones are called Butterfly, and robots' lists hold single builds.
"""

import re
from dataclasses import dataclass

#: What browsers begin with; UCWEB is UC Browser's proxied mode, and Profile/MIDP the mark of feature phones.
_BEGINNING = re.compile(r"Mozilla/\d|Opera/\d|UCWEB/\d|[\w.+ -]{2,40}/.{0,120}?\bProfile/MIDP-")
_SYSTEM = re.compile(
    r"Windows|\bWin(?:9[58x]|NT|32|64)\b|Macintosh|\bMac[ _]?(?:OS|PowerPC|P)|iPhone|iPad|iPod|\biOS\b|Andr[o0]id"
    r"|Linux"
    r"|X11|\bCrOS|Web[o0]S|Tizen|KAI ?OS|PlayStation|Nintendo|Xbox|Symb(?:ian|OS)|Series ?[346]0|BlackBerry|\bBB10"
    r"|PlayBook|MeeGo|Maemo|\bBada|HarmonyOS|Fuchsia|\bJ2ME|\bMIDP|\bBREW|\bREX\b|PalmOS|hpwOS|Nokia|Sailfish"
    r"|SunOS|Solaris|BSD\b|\bHaiku|\bBeOS|Amiga|MorphOS|\bOS/2|\bIRIX|\bHP-UX|\bAIX\b|RISC OS|\bQNX|Darwin|OpenVMS"
    r"|SMART-?TV|AppleTV|GoogleTV|\bDTV\b|HbbTV|InettvBrowser|\bRoku|DirectFB|QtEmbedded|\bDanger|\bMobile; "
    r"|Tablet; ",
    re.IGNORECASE,
)
#: Browsers that may stand behind `compatible;` without naming a system.
_NAMED = re.compile(r"\bMSIE \d|\bKonqueror/|\bMSOffice\b|\biCab\b|\bOmniWeb\b|\bNetPositive\b|\bOffByOne\b")
#: A product after the engine of which every browser with that engine has one.
_WEBKIT = re.compile(r"AppleWebKit/?([\d.]*)")
_WEBKIT_PRODUCT = re.compile(
    r"\bChrom(?:e|ium)/|\bVersion/\d|\bMobile\b|\b(?:Cr|Fx|Edg|OPi|Ed)i?OS/|\bSafari\b|Browser\b|\bEpiphany/|\bMidori"
    r"|\bQtWebEngine/|\bElectron/|\bNetFront|\bNX/|\bEspial/|\bNintendoBrowser/|\bSilk/|\bOPR/|\bPuffin/"
    r"|\bWebAppManager"
)
_ENGINE = re.compile(r"AppleWebKit|Gecko|KHTML|Presto|Trident")
#: Browsers of phones and televisions that name the model alone.
_WITHOUT_SYSTEM = re.compile(r"\bNetFront/\d|\bWebTV/\d|\bNAVIO|\bUP\.Browser/\d|\bOpera Mini/\d|\bOpera Mobi/")
_VERSION = re.compile(r"\b(?:Chrome|Version)/\d")
#: WebKit 537.36 is what Blink has called itself ever since, in company of Chrome.
_BLINK = "537.36"
_BLINK_PRODUCT = re.compile(
    r"Chrom(?:e|ium)\b|\bC(?:r|hr)\w+/\d|\bVersion/\d|\bEdg|OPR/|Browser\b|QtWebEngine|JavaFX|\bMobile\b"
    r"|\bSamsung|\bTV\b"
)
_DESKTOP = re.compile(r"\b(?:Windows NT|Macintosh|X11|CrOS)\b")
#: What names a browser whose engine is another.
_OTHER_BROWSER = re.compile(r"Gecko|KHTML|Presto/|Firefox/|Netscape|Navigator|Browser\b|\bWebPro|Explorer")

#: Where to ask whoever runs a program.
_CONTACT = re.compile(
    r"https?:/|\+http|\bwww\.\w|mailto:|\+\w[\w.]{,100}\.[a-z]{2,}\b"
    r"|\w ?(?:@|\[at\]|\(at\)) ?[\w-]{1,60}(?:\.[\w-]{1,60}){,8}\.[A-Za-z]{2,}\b"
)
#: An address that a component of a browser for embedding gives of itself.
_COMPONENT = re.compile(r"(?:from: ?)?https?://(?:www\.)?bsalsa\.com/?", re.IGNORECASE)
#: A host or a page, behind the comment of the system: `scanner.example.com`, `example.com/policy`.
_HOST = re.compile(
    r"(?<![\w./-])(?!(?:com|org|net|jp|de|ru|cn|io|tv)\.)(?:[a-z0-9-]+\.)+(?:com|net|org|io|co|eu|de|ru|uk|party"
    r"|dev|ai|me)\b"
    r"(?![.\w])"
)
#: What programs call themselves, by what they do. Longer words stand for all their forms.
_ROBOT_WORDS = re.compile(
    r"(?<!cu)bots?(?![a-z])|(?-i:[a-z]Bot)|robot|crawl|spider|scrap(?:e|y|ing)|slurp|archiv|harvest|index(?:er"
    r"|ing)\b|monitor"
    r"|uptime|probe\b|prob(?:e|ing)/|observatory|diagnos|inspect|audit|valid(?:at|ity)|verif(?:y|ier)|(?:link"
    r"|ur[il]|web|bing|page|site) ?-?preview|preview/|unfurl"
    r"|externalhit|snippet|favicon|thumbnail|screenshot|headless|phantomjs|selenium|puppeteer|playwright|webdriver"
    r"|lighthouse|page ?speed|speed insights|pingdom|statuscake|prerender|prospect|grabber|extract|fingerprint"
    r"|transcod|research"
    r"|(?:link|site|status|web|url|health|proxy|seo|page|domain|speed|compat\w{,8}) ?-?check|checker|checklink"
    r"|check_http"
    r"|(?<!qr)(?<!code)(?<!bar)(?<!doc)(?<!cam)scann|\bscan\b|scan/|fetch(?:er)?(?![a-z])|feedparser|feedfetcher"
    r"|sitemap|webpagetest"
    r"|\bptst/|[- ]agent\b|(?-i:[a-z]Agent\b)|httpagent|\bseo\b|email ?proxy|mail ?proxy|image ?proxy|proxy\)"
    r"|powershell|cloudflare|embedly|synthetic|benchmark"
    r"|read-aloud|google (?:favicon|web)|-google\b|\bgoogle-|python|curl/|wget|libwww|httpclient|http-client|okhttp"
    r"|\bjava/|jakarta|node-fetch|axios|aiohttp|go-http|winhttp|w3c_",
    re.IGNORECASE,
)
#: What programs add where a browser's products stand: `(compatible; NAME)`, `(KHTML, like Gecko; NAME)`.
_ADDED = re.compile(r"\bcompatible\s*;|\blike Gecko\s*;", re.IGNORECASE)
#: On a desk also behind everything: `Safari/537.36; NAME`.
_ADDED_ON_DESK = re.compile(r"(?:\bSafari/[\d.]+|\blike Gecko\)|\bFirefox/[\d.]+)\s*;")
#: A comment in which an app names the phone it runs on, and the bracket of Facebook's apps.
_PHONE_COMMENT = re.compile(
    r"\((?![^()]*compatible)[^()]*(?:\bdpi;|\ddpi;|Android \d|iOS \d|iPhone)[^()]*\)|\[FB[^\]]*\]?"
)
#: Programs with a browser built in that robots' lists hold.
_MISTAKEN = re.compile(r"\bFluid/[\d.]+|\bCode/[\d.]+(?=.* Electron/)")
#: What a browser's own structure explains.
_EXPLAINED = re.compile(
    r" ?(?:AppleWebKit|Chrome|Safari|Version|Mobile|Gecko|Firefox|Edg|EdgA|OPR|CriOS|FxiOS"
    r"|SamsungBrowser)/[\w.]+(?= |$)"
    r"| \(KHTML, like Gecko\)| Mobile(?= |$)"
)
#: A part of the platform's comment that says nothing of who this is.
_PLATFORM_PART = re.compile(
    r"(?:compatible|U|N|I|K|wv|touch|arm(?:_64|v\w+)?|aarch64|x86_64|i[3-6]86|WOW64|Win64|x64|rv:[\w.]+"
    r"|[A-Za-z]{2}(?:[-_][A-Za-z]{2,4})?|MSIE [\w.]+|Trident/[\d.]+|\.NET\b.*|Build/.*)?"
)


@dataclass(frozen=True, slots=True)
class Structure:
    """The two parts of a user agent."""

    #: The comment that names system and model, without its parentheses.
    platform: str
    #: All that stands around it, but for the first product.
    products: str

    @property
    def added(self) -> str:
        """The products that are none of a browser's own, without the phones that apps name."""
        left = _EXPLAINED.sub("", self.products)
        return _PHONE_COMMENT.sub(" ", left) if left else ""


def structure(user_agent: str) -> Structure:
    """The parts of `user_agent`. Without parentheses the platform reaches up to the engine."""
    begin = user_agent.find("(")
    engine = user_agent.find("AppleWebKit")
    if begin < 0 or 0 <= engine < begin:
        before, _, _ = user_agent.partition(" ")
        end = engine if engine > 0 else len(user_agent)
        return Structure(user_agent[len(before) : end], user_agent[end:])
    before = user_agent[:begin].partition(" ")[2]
    depth = 0
    for at in range(begin, len(user_agent)):
        depth += (user_agent[at] == "(") - (user_agent[at] == ")")
        if not depth:
            return Structure(user_agent[begin + 1 : at], before + user_agent[at + 1 :])
    end = engine if engine > 0 else len(user_agent)
    return Structure(user_agent[begin + 1 : end], user_agent[end:])


def is_browser(user_agent: str) -> bool:
    """Whether `user_agent` has the structure of a browser and declares no program."""
    if not _BEGINNING.match(user_agent):
        return False
    parts = structure(user_agent)
    return _is_whole(user_agent, parts) and not _declares_program(parts)


def declared(user_agent: str) -> str:
    """The part of `user_agent` in which programs name themselves: no system, model, build or app's phone."""
    parts = structure(user_agent)
    return _MISTAKEN.sub(" ", "; ".join([parts.added, *_named_parts(parts.platform)])).strip()


def has_no_app(user_agent: str) -> bool:
    """Whether `user_agent` is a computer's browser, and no app that has one built in."""
    return _DESKTOP.search(structure(user_agent).platform) is not None and "Electron/" not in user_agent


def _is_whole(user_agent: str, parts: Structure) -> bool:
    """Whether nothing is missing that a browser has: a system, and behind an engine a product."""
    if "compatible" in parts.platform and not _NAMED.search(parts.platform) and not _ENGINE.search(parts.products):
        return False
    if not _SYSTEM.search(user_agent) and not _NAMED.search(parts.platform):
        return "compatible" not in parts.platform and _has_engine_and_version(parts.products)
    if not _DESKTOP.search(parts.platform) or _NAMED.search(parts.platform) or "Trident/" in parts.platform:
        return True
    webkit = _WEBKIT.search(user_agent)
    if webkit is None:
        return not user_agent.startswith("Mozilla/5") or _OTHER_BROWSER.search(parts.products) is not None
    behind = user_agent[webkit.end() :]
    if webkit[1] == _BLINK:
        return _BLINK_PRODUCT.search(behind) is not None
    # On a Mac, the web view of an app has nothing to add.
    return _WEBKIT_PRODUCT.search(behind) is not None or "Macintosh" in parts.platform


def _has_engine_and_version(products: str) -> bool:
    """Whether a browser that hides its system stands in `products`."""
    if _WITHOUT_SYSTEM.search(products):
        return True
    return all(name in products for name in ("AppleWebKit/", "Safari/")) and bool(_VERSION.search(products))


def _declares_program(parts: Structure) -> bool:
    added = parts.added
    if _ADDED.search(added) or (_ADDED_ON_DESK.search(parts.products) and _DESKTOP.search(parts.platform)):
        return True
    if _HOST.search(added) or _CONTACT.search(_COMPONENT.sub("", f"{parts.platform} {added}")):
        return True
    named = "; ".join([added, *_named_parts(parts.platform)])
    return _ROBOT_WORDS.search(named) is not None


def _named_parts(platform: str) -> list[str]:
    """The parts of a platform's comment that may name a program.

    On a desk it is each that isn't the system's; on a phone those behind the build: the one before is the model.
    """
    parts = [part.strip() for part in platform.split(";")]
    if not _DESKTOP.search(platform) and "compatible" not in parts:
        built = next((at for at, part in enumerate(parts) if "Build/" in part), len(parts))
        parts = parts[built + 1 :]
    return [part for part in parts if not _PLATFORM_PART.fullmatch(part)]
