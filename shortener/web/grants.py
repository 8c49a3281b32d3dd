"""Grants: what a browser keeps to show that it has said a link's password, and that a form is one of ours.

Both are signed times. What they are for is not in them but in the key that signs them, so that a grant opens one link
while that has one password, and a form is good for one link, or for signing in, in one browser. Nothing is stored
here.
"""

import hashlib
import re
import secrets
import time
from collections.abc import Callable
from typing import Final

from itsdangerous import BadSignature, TimestampSigner
from starlette.requests import Request
from starlette.responses import Response

from shortener import errors
from shortener.redirect.entry import Entry

#: An hour: long enough to come back to what a link leads to, short enough on a computer that others use.
GRANT_SECONDS: Final = 3600
#: Ten minutes to find the password.
FORM_SECONDS: Final = 600
#: By so much may the clocks of two nodes differ.
_SKEW_SECONDS = 60
#: The cookie that binds forms to a browser.
FORM_COOKIE: Final = "shortener_form"
#: Before the names of cookies that go by https only: no other host, and nobody between, can set one (RFC 6265bis
#: section 4.1.3.2). Browsers drop such a cookie elsewhere.
HOST_PREFIX: Final = "__Host-"
#: 128 random bits, as `secrets.token_urlsafe` writes them.
_BROWSER_BYTES = 16
_BROWSER = re.compile(r"[A-Za-z0-9_-]{22}")
#: Signed with its time; there is nothing else to say.
_NOTHING = b"1"
#: 64 bits of a hash tell one password of a link from its next.
_PASSWORD_VERSION_LENGTH = 16
_FORM_EXPIRED = "This form is too old or was made for another page, or your browser keeps no cookies. Try again."


class Grants:
    """Makes and checks what browsers keep. Holds no state."""

    def __init__(self, secret: Callable[[], bytes], *, secure: bool) -> None:
        """`secret` is the instance's; `secure`: visitors come by https, so that cookies go by nothing else."""
        self._secret = secret
        self._secure = secure
        self._prefix = HOST_PREFIX if secure else ""

    def has(self, request: Request, entry: Entry) -> bool:
        """Whether the password of `entry` has been said in this browser within GRANT_SECONDS."""
        kept = sent_cookie(request, self._grant_cookie(entry))
        return bool(kept) and self._is_good(kept, _grant_purpose(entry), GRANT_SECONDS)

    def give(self, response: Response, entry: Entry) -> None:
        """Lets the browser that gets `response` open the link of `entry`."""
        made = self._signer(_grant_purpose(entry)).sign(_NOTHING).decode()
        self._set(response, self._grant_cookie(entry), made, GRANT_SECONDS)

    def browser(self, request: Request) -> str:
        """By what forms know the browser of `request`: what it has been given, or something new."""
        kept = sent_cookie(request, self._form_cookie)
        return kept if _BROWSER.fullmatch(kept) else secrets.token_urlsafe(_BROWSER_BYTES)

    def form_token(self, form: str, browser: str) -> str:
        """What a form has to send along; `form` says which it is: a link's (`link_form`), or one of our pages'."""
        return self._signer(_form_purpose(form, browser)).sign(_NOTHING).decode()

    def remember(self, response: Response, browser: str) -> None:
        """Has the browser that gets `response` keep by what forms know it."""
        self._set(response, self._form_cookie, browser, FORM_SECONDS)

    def check_form(self, request: Request, form: str, token: str) -> None:
        """Raises FormExpired unless `token` was made for this form and browser within FORM_SECONDS."""
        browser = sent_cookie(request, self._form_cookie)
        if not browser or not self._is_good(token, _form_purpose(form, browser), FORM_SECONDS):
            raise errors.FormExpired(_FORM_EXPIRED)

    @property
    def _form_cookie(self) -> str:
        return self._prefix + FORM_COOKIE

    def _grant_cookie(self, entry: Entry) -> str:
        return f"{self._prefix}shortener_grant_{entry.id}"

    def _is_good(self, token: str, purpose: str, seconds: int) -> bool:
        try:
            _, made = self._signer(purpose).unsign(token, return_timestamp=True)
        except BadSignature:
            return False
        return -_SKEW_SECONDS <= time.time() - made.timestamp() <= seconds

    def _signer(self, purpose: str) -> TimestampSigner:
        return TimestampSigner(self._secret(), salt=purpose, key_derivation="hmac", digest_method=hashlib.sha256)

    def _set(self, response: Response, name: str, value: str, seconds: int) -> None:
        response.set_cookie(
            name, value, max_age=seconds, path="/", secure=self._secure, httponly=True, samesite="lax"
        )


def sent_cookie(request: Request, name: str) -> str:
    """The cookie called `name`, empty where there is none: of the header's 64 KiB no more is read than must be.

    Taking a whole header apart takes 8 ms (starlette.requests.cookie_parser was measured).
    """
    found = re.search(rf"(?:^|;) *{re.escape(name)}=([^;]*)", request.headers.get("cookie", ""))
    return found[1].strip() if found else ""


def _grant_purpose(entry: Entry) -> str:
    version = hashlib.sha256((entry.password_hash or "").encode()).hexdigest()[:_PASSWORD_VERSION_LENGTH]
    return f"shortener grant {entry.id} {entry.nonce} {version}"


def link_form(entry: Entry) -> str:
    """The form that asks for the password of `entry`, as `Grants.form_token` knows it."""
    return f"{entry.id} {entry.nonce}"


def _form_purpose(form: str, browser: str) -> str:
    return f"shortener form {form} {browser}"
