"""Televisions, and the sticks and boxes behind them, by their user agents.

Android says nothing of the screen, so what is left is the model: a word, a family of boxes, or the diagonal in inches
with which makers of televisions begin their models.
"""

import re

#: What says so by itself: standards of broadcasters, platforms of makers, and words.
_PLATFORM = re.compile(
    r"HbbTV|CE-HTML|NETRANGE|SMART-?TV|SmartHub|Web0S|WEBOS\.TV|NetCast|InettvBrowser|NETTV/|\bOpera TV|\bOMI/\d"
    r"|Andr0id"
    r"|Tbrowser|VSTVB|avui/tv|\bstbapp|GoogleTV|Google ?TV|Android ?TV|AppleTV|BRAVIA|\bRoku|KreaTV|TiVo|DuneHD"
    r"|\bEspial|CrKey/|Chromecast|\bVIDAA|\bViera|DirectFB|\bPhilips ?TV|\bKSTB|\bSTB\b|\bSet-?Top|Sagemcom-OTT"
    r"|\bAstro;"
    r"|Digital-?TV|\(DTV\)|; STV;|Smart ?Tv|\bFVC/\d|tclwebkit|NetTV|MediaPlayer/TV|[;(] ?TV\b|\bTV/\d|\bWebTV/"
    r"|\bTV Safari\b|\bTV$|QtEmbedded",
    re.IGNORECASE,
)
#: Opera's kit for televisions runs on the bare processor.
_OPERA = re.compile(r"^Opera/[\d.]+ .*?\(?(?:X11; ?)?Linux (?:mips|armv\d|armv\wl|sh4|\d{4}\w\d)")
#: Amazon's sticks and televisions; its tablets begin with KF.
_FIRE = re.compile(r"[; ](?:AFT[A-Z0-9]+|AEO[A-Z]{2,4})\b")
#: The second letter of a build's id is its branch, and T the one of Android TV (source.android.com, build numbers);
#: the others are those from which the makers of chips for televisions build.
_BUILD = re.compile(r"Build/(?:[A-Z]T[A-Z]\w?\.\d{6}|PPR2\.180905\.006\.A1|TP1A\.220905\.004\.A2)")
#: Words in a model. A phone with a tuner says DTV.
_MODEL_WORD = re.compile(
    r"(?<!D)TV\d?(?![A-Za-z])|TDTV|\bATV|\bSTV|\bTV(?=[A-Z]?\d)|\btv\d|(?:[Bb]ox|BOX)(?![a-z])(?!X?L)|3(?:066|128"
    r"|188|22[89]|288|368)HD|\b[Ss]tick\b|DVB|\b[Ss]hell [A-Z]\w*\d"
    r"|(?<![A-Za-z])[A-Z]{0,2}LED[-_ ]?\d|LED\b|(?<!\d)[48]K(?:\b|[_T]|\d{3})|UHD|STB|IPTV|Nexus Player|\bADT-\d"
)
#: Families of boxes, and the chips by which nameless ones call themselves.
_BOX = re.compile(
    r"\b(?:A95X|H96(?!\d)|X96(?!Pro\b)|T95(?!\d)|TX[2-9](?!\d)|HK1|KM\d|X88|M8S|MXQ|MX9|GT-?King|Beelink|MINIX"
    r"|NEO[-_][XU]\d|MECOOL|UGOOS|Tanix"
    r"|ZIDOO|VONTAR|MyGica|10MOONS|pendoo|rk3[1-5]\d\d|rtd\d{3}|p2\d\d\b|q20[01]\b|S9(?:05|12|22)\w?\b|amlogic"
    r"|hi3[67]98|sun50i|mt5[68]\d\d|mt9[56]\d\d"
    r"|HG680|ZXV10|EC610|Bouygtel|Freebox|XGIMI|YNDX-000|Formuler|B8[56]\d[A-Z]|SkyQ)",
    re.IGNORECASE,
)
#: A diagonal in inches, and behind it the rest of a maker's model: 43U750TS, TD55UFBHV1. Words like PLUS are phones'.
_INCHES = (
    r"(?<![\d.])(?<!\d[A-Z])(?:2[2-4678]|3[1279]|4[0235-9]|5[0-2458]|6[0456]|7[0578]|8[2356]|98)"
    r"(?!PRO|PLUS|MAX|LITE|ULTRA|MINI|EEA|ROW|WIFI|LTE|NFC|HD_)"
)
_DIAGONAL = re.compile(_INCHES + r"(?:[A-Z]{3,}|[A-Z]{1,5}\d{2,}|[A-Z]{2,4}\d|[A-Z]{2}-[A-Z]{2})")
_MODEL = re.compile(r"Android(?: [\d.]+)?;? ?(?:U; ?)?(?:[a-z]{2}(?:-[A-Za-z]{2,4})?; ?)?([^;)]*)")
_PHONE = re.compile(r"\b(?:[A-Z]{1,2}-\d\d[A-Z])\b")


def is_platform(user_agent: str) -> bool:
    """Whether `user_agent` names what only runs on televisions, or on sticks and boxes behind them."""
    return any(pattern.search(user_agent) for pattern in (_PLATFORM, _FIRE, _OPERA))


def is_android_model(user_agent: str) -> bool:
    """Whether the model or the build in a `user_agent` that says Android is of a television, a stick or a box."""
    if _BUILD.search(user_agent):
        return True
    found = _MODEL.search(user_agent)
    model = found[1].partition(" Build/")[0].partition(" AppleWebKit")[0].strip() if found else ""
    if not model or _PHONE.search(model):
        return False
    return any(pattern.search(model) for pattern in (_MODEL_WORD, _BOX, _DIAGONAL))
