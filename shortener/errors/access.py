"""Errors of keys, of signing in, and of passwords of links."""

from shortener.errors.kinds import Refused


class PasswordRequired(Refused):
    """This link asks for a password."""


class PasswordWrong(Refused):
    """That is not the password."""


class FormExpired(Refused):
    """This form is too old or was made for another page; try again."""


class TooManyTries(Refused):
    """Too many wrong passwords have been tried on this link; try again later."""

    def __init__(self, seconds: int | None = None, tried: str = "passwords") -> None:
        """`seconds` is how long to wait, where somebody knows; `tried` is what was wrong."""
        super().__init__(
            None if seconds is None else f"Too many wrong {tried} have been tried; try again in {_duration(seconds)}."
        )
        self.seconds = 1 if seconds is None else seconds


class SignedOut(Refused):
    """You are not signed in, or not any more; sign in, and try again."""


class SigninLinkInvalid(Refused):
    """This sign-in link has been used, has expired, or never was one."""


class KeyMissing(Refused):
    """Send an API key: `Authorization: Bearer KEY` or `X-Api-Key: KEY`."""


class KeyInvalid(Refused):
    """This API key is unknown, revoked or expired."""


class ScopeMissing(Refused):
    """This API key may not do that."""


class KeyNotFound(Refused):
    """There is no API key with this id."""


def _duration(seconds: int) -> str:
    """A wait in words, in the largest unit of which it has two."""
    for unit, size in (("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{-(-seconds // size)} {unit}"
    return "1 second" if seconds == 1 else f"{seconds} seconds"
