"""The cookie of a session, and what forms within one send along. Both are signed; neither is stored here.

By https the cookie's name begins with `__Host-`, for which browsers demand the path `/`; else it goes to /admin only.
Wherever a browser sends it, it counts under /admin alone: the API takes keys in headers.
"""

import hashlib
import hmac
from collections.abc import Callable
from typing import Final

from itsdangerous import BadSignature, Signer
from starlette.requests import Request
from starlette.responses import Response

from shortener.domain.session import LONGEST
from shortener.web.grants import HOST_PREFIX, sent_cookie

SESSION_COOKIE: Final = "shortener_session"


class SessionCookies:
    """Makes and checks the cookies of sessions. Holds no state."""

    def __init__(self, secret: Callable[[], bytes], *, secure: bool) -> None:
        """`secret` is the instance's; `secure`: browsers come by https, so that the cookie goes by nothing else."""
        self._secret = secret
        self._secure = secure
        self._name, self._path = (HOST_PREFIX + SESSION_COOKIE, "/") if secure else (SESSION_COOKIE, "/admin")

    def read(self, request: Request) -> str | None:
        """The id of the session that `request` belongs to, or None. Whether there still is one is not known here."""
        try:
            return self._signer("shortener session").unsign(sent_cookie(request, self._name)).decode()
        except BadSignature:
            return None

    def give(self, response: Response, session_id: str) -> None:
        """Has the browser that gets `response` send the id of a session from now on."""
        response.set_cookie(
            self._name,
            self._signer("shortener session").sign(session_id).decode(),
            max_age=int(LONGEST.total_seconds()),
            path=self._path,
            secure=self._secure,
            httponly=True,
            samesite="lax",
        )

    def take_back(self, response: Response) -> None:
        """Has the browser that gets `response` forget its session."""
        response.delete_cookie(self._name, self._path, secure=self._secure, httponly=True, samesite="lax")

    def form_token(self, session_id: str) -> str:
        """What unsafe requests within a session have to send along."""
        return self._signer("shortener form of session").get_signature(session_id).decode()

    def is_form_token(self, session_id: str, token: str) -> bool:
        """Whether `token` is that of a session."""
        return hmac.compare_digest(self.form_token(session_id).encode(), token.encode("utf-8", "surrogatepass"))

    def _signer(self, purpose: str) -> Signer:
        return Signer(self._secret(), salt=purpose, key_derivation="hmac", digest_method=hashlib.sha256)
