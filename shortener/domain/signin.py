"""Sign-in links: addresses that sign a browser in once, and what that gives."""

import hashlib
import re
from datetime import timedelta

#: The first administration page; and where browsers sign in, behind it one segment: the token of a sign-in link.
HOME = "/admin/"
PATH = "/admin/signin"
#: Bytes of randomness in a token.
TOKEN_BYTES = 32
#: How long a link may be used, and the key that it gives.
LINK_LIFETIME = timedelta(minutes=15)
KEY_LIFETIME = timedelta(hours=12)
#: What such a key is called.
KEY_NAME = "sign-in"

_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")


def address(base_url: str, token: str) -> str:
    """The sign-in link with `token` on an instance at `base_url`."""
    return f"{base_url}{PATH}/{token}"


def is_token(value: str) -> bool:
    """Whether `value` looks like the token of a sign-in link."""
    return _TOKEN.fullmatch(value) is not None


def digest(token: str) -> bytes:
    """The SHA-256 of a token, which is all that is stored of it: 32 bytes."""
    return hashlib.sha256(token.encode()).digest()
