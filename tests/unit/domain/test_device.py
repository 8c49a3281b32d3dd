"""Devices: what a user agent runs on."""

import pytest

from shortener.domain import device as devices

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0"

#: By name: user agent, operating system as ua-parser names it, and the device.
DEVICES: dict[str, tuple[str, str | None, str | None]] = {
    "linux": (FIREFOX, "Linux", "desktop"),
    "windows": ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) Firefox/150.0", "Windows", "desktop"),
    "chromebook": ("Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) Chrome/153.0.0.0", "Chrome OS", "desktop"),
    "iphone": ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) Mobile/15E148", "iOS", "mobile"),
    "ipod": ("Mozilla/5.0 (iPod touch; CPU iPhone OS 12_0 like Mac OS X)", "iOS", "mobile"),
    "ipad": ("Mozilla/5.0 (iPad; CPU OS 16_0 like Mac OS X) Mobile/15E148", "iOS", "tablet"),
    "android-phone": (
        "Mozilla/5.0 (Linux; Android 10; K) Chrome/153.0.0.0 Mobile Safari/537.36",
        "Android",
        "mobile",
    ),
    "android-tablet": ("Mozilla/5.0 (Linux; Android 10; K) Chrome/153.0.0.0 Safari/537.36", "Android", "tablet"),
    "firefox-on-a-tablet": ("Mozilla/5.0 (Android 14; Tablet; rv:150.0) Firefox/150.0", "Android", "tablet"),
    "windows-phone": ("Mozilla/5.0 (Windows Phone 10.0; Android 6.0.1; Lumia 950)", "Windows Phone", "mobile"),
    "kaios": ("Mozilla/5.0 (Mobile; Nokia_8110_4G; rv:48.0) KAIOS/2.5", "KaiOS", "mobile"),
    "blackberry": ("Mozilla/5.0 (BB10; Touch)", "BlackBerry OS", "mobile"),
    "tizen-phone": ("Mozilla/5.0 (Linux; U; Tizen 2.4; SAMSUNG SM-Z200Y) Mobile Safari", "Tizen", "mobile"),
    "samsung-tv": ("Mozilla/5.0 (SMART-TV; LINUX; Tizen 2.4.0) Version/2.4.0 TV Safari/538.1", "Tizen", "tv"),
    "lg-tv": ("Mozilla/5.0 (Web0S; Linux/SmartTV) Chrome/79.0.3945.79", "Web0S", "tv"),
    "sony-tv": ("Mozilla/5.0 (Linux; Android 9; BRAVIA 4K UR2)", "Android", "tv"),
    "apple-tv": ("AppleTV11,1/11.1", "tvOS", "tv"),
    "google-tv": ("Mozilla/5.0 (Linux; Android 12; GoogleTV)", "Android", "tv"),
    "broadcast-tv": ("HbbTV/1.2.1 (;;;;) Mozilla/5.0", None, "tv"),
    "playstation": ("Mozilla/5.0 (PlayStation; PlayStation 5/2.26)", None, "console"),
    "xbox": ("Mozilla/5.0 (Windows NT 10.0; Win64; x64; Xbox; Xbox One) Edge/14", "Windows", "console"),
    "switch": ("Mozilla/5.0 (Nintendo Switch; WifiWebAuthApplet)", None, "console"),
    "opera-mini-on-android": (
        "Opera/9.80 (Android; Opera Mini/36.2/191.256; U; en) Presto/2.12",
        "Android",
        "mobile",
    ),
    "opera-mobi-on-android": (
        "Opera/9.80 (Android 4.1; Linux; Opera Mobi/ADR-1309; U) Presto/2.11",
        "Android",
        "mobile",
    ),
    "in-app-browser-of-a-phone": (
        "Mozilla/5.0 (Linux; Android 11; X1; wv) Version/4.0 Chrome/77.0",
        "Android",
        "mobile",
    ),
    "fire-tv": (
        "Mozilla/5.0 (Linux; Android 9; AFTKA Build/PS7; wv) Chrome/120.0 Mobile Safari/537.36",
        "Android",
        "tv",
    ),
    "fire-tablet": (
        "Mozilla/5.0 (Linux; Android 9; KFMAWI) Silk/112.5 like Chrome/112.0 Safari/537.36",
        "Android",
        "tablet",
    ),
    "android-tv": (
        "Mozilla/5.0 (Linux; Android 11; SMART ANDROID TV Build/X) Chrome/99.0 Safari/537.36",
        "Android",
        "tv",
    ),
    "android-tv-build": (
        "Mozilla/5.0 (Linux; Android 11; X1 Build/RTT1.200820.001) Chrome/99.0 Safari/537.36",
        "Android",
        "tv",
    ),
    "phone-build": (
        "Mozilla/5.0 (Linux; Android 11; X1 Build/RP1A.200720.011) Chrome/9.0 Mobile Safari",
        "Android",
        "mobile",
    ),
    "box": ("Mozilla/5.0 (Linux; Android 10; Any Smart Box) Chrome/99.0 Safari/537.36", "Android", "tv"),
    "stick": ("Mozilla/5.0 (Linux; Android 10; TV Stick 4) Chrome/99.0 Safari/537.36", "Android", "tv"),
    "diagonal-in-the-model": (
        "Mozilla/5.0 (Linux; Android 9; AB-43U1234) Chrome/99.0 Safari/537.36",
        "Android",
        "tv",
    ),
    "no-diagonal-in-a-phone": (
        "Mozilla/5.0 (Linux; Android 9; A60PLUS) Chrome/99.0 Mobile Safari/537.36",
        "Android",
        "mobile",
    ),
    "phone-of-a-carrier": (
        "Mozilla/5.0 (Linux; Android 13; SO-52C) Chrome/99.0 Mobile Safari/537.36",
        "Android",
        "mobile",
    ),
    "phone-with-a-tuner": (
        "Mozilla/5.0 (Linux; Android 6.0; X_DTV) Chrome/78.0 Mobile Safari/537.36",
        "Android",
        "mobile",
    ),
    "chromecast": ("Mozilla/5.0 (X11; Linux armv7l) Chrome/90.0 Safari/537.36 CrKey/1.56.500000", "Linux", "tv"),
    "tizen-tv": ("Mozilla/5.0 (Linux; Tizen 2.4.0) Version/2.4.0 TV Safari/538.1", "Tizen", "tv"),
    "webos-phone": ("Mozilla/5.0 (webOS/1.0; U; en-US) Version/1.0 Safari/525.27.1 Pre/1.0", "webOS", "mobile"),
    "opera-on-a-tv": ("Opera/9.80 (Linux mips; U; en) Presto/2.10.287 Version/12.00", "Linux", "tv"),
    "tablet-that-says-mobile": (
        "Mozilla/5.0 (Linux; Android 9; SM-T515) Chrome/99.0 Mobile Safari",
        "Android",
        "tablet",
    ),
    "chromebook-that-says-android": (
        "Mozilla/5.0 (Linux; Android 9; Any Chromebook 11) Chrome/99.0 Safari/537.36",
        "Android",
        "desktop",
    ),
    "ipad-that-says-macintosh": ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_6) Mobile/15E148", "iOS", "tablet"),
    "mobile-of-no-known-system": ("Mozilla/5.0 (Mobile; rv:1.0)", None, "mobile"),
    "nothing-tells": ("Mozilla/5.0", None, None),
    "nothing": ("", None, None),
}


@pytest.mark.parametrize(("agent", "os", "device"), DEVICES.values(), ids=list(DEVICES))
def test_device(agent: str, os: str | None, device: str | None) -> None:
    assert devices.device(agent, os) == device


@pytest.mark.parametrize(
    ("agent", "family", "system"),
    [
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_6) AppleWebKit/605.1.15 Mobile/15E148", "Mac OS X", "iOS"),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_6) AppleWebKit/605.1.15 Safari/605.1.15",
            "Mac OS X",
            "Mac OS X",
        ),
        (FIREFOX, "Linux", "Linux"),
        ("", None, None),
    ],
)
def test_the_web_view_of_an_ipad_is_on_ios(agent: str, family: str | None, system: str | None) -> None:
    assert devices.system(agent, family) == system
