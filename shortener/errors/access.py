"""Why a key, or the password of a link, opens nothing."""

from shortener.errors.kinds import Refused


class PasswordRequired(Refused):
    """This link asks for a password."""


class PasswordWrong(Refused):
    """That is not the password."""


class FormExpired(Refused):
    """This form is too old or was made for another page; try again."""


class TooManyTries(Refused):
    """Too many passwords have been tried; wait a minute."""


class KeyMissing(Refused):
    """Send an API key: `Authorization: Bearer KEY` or `X-Api-Key: KEY`."""


class KeyInvalid(Refused):
    """This API key is unknown, revoked or expired."""


class ScopeMissing(Refused):
    """This API key may not do that."""


class KeyNotFound(Refused):
    """There is no API key with this id."""
