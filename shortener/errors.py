"""Everything that can go wrong, as one tree; the first split is whose fault it is.

`Refused` is the caller's: the input or the state asked for. `Broken` is ours: a dependency that fails.
Nothing here knows HTTP; web/errors.py gives each code its status. A class's docstring is its default
message, so message and documentation cannot drift apart.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

_CAPITAL = re.compile(r"(?<!^)(?=[A-Z])")


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """What is wrong with one input: where it stands, a stable code, and a sentence that says what would be right."""

    field: str
    code: str
    message: str


class ShortenerError(Exception):
    """Something went wrong."""

    #: Stable name of this failure, in API answers and documentation: the class's own, unless it says another.
    code = "error"

    def __init_subclass__(cls) -> None:
        if "code" not in cls.__dict__:
            cls.code = _CAPITAL.sub("-", cls.__name__).lower()

    def __init__(self, detail: str | None = None) -> None:
        self.detail = detail or (self.__doc__ or "").strip()
        super().__init__(self.detail)


class Refused(ShortenerError):
    """The request cannot be carried out as it stands."""

    def __init__(self, detail: str | None = None, *, field: str | None = None) -> None:
        super().__init__(detail)
        #: The input at fault, as its sender named it; None when no single one is.
        self.field = field
        #: One entry per input at fault.
        self.problems: Sequence[FieldProblem] = [FieldProblem(field, self.code, self.detail)] if field else []


class ValidationFailed(Refused):
    """Some of the input is not what was asked for; `errors` says which and what would be right."""

    def __init__(self, problems: Sequence[FieldProblem]) -> None:
        super().__init__()
        self.problems = tuple(problems)


class MalformedJson(Refused):
    """The body is not valid JSON (RFC 8259)."""


class UnsupportedMediaType(Refused):
    """The body must be JSON, sent with `Content-Type: application/json`."""


class BodyTooLarge(Refused):
    """The body is larger than this instance accepts."""


class BodyIncomplete(Refused):
    """The body broke off, or came too slowly."""


class HeadTooLarge(Refused):
    """Request line and headers are larger than 64 KiB."""


class PathNotFound(Refused):
    """There is nothing at this path."""

    code = "not-found"


class MethodNotAllowed(Refused):
    """This path does not answer that method; `Allow` lists those it does."""


class TargetInvalid(Refused):
    """The target is not a URL that a browser could open."""


class TargetTooLong(Refused):
    """The target is too long."""


class TargetCharacters(Refused):
    """The target contains a character that no URL may contain."""


class TargetScheme(Refused):
    """The target must start with http:// or https://."""


class TargetUserInfo(Refused):
    """The target must not carry a user name or password."""


class TargetOwnHost(Refused):
    """The target is on this shortener itself: that would be a loop."""


class CodeInvalid(Refused):
    """A code is 1 to 128 letters, digits, hyphens or underscores, without dots or spaces."""


class CodeReserved(Refused):
    """This code is a path of the shortener itself."""


class CodeTaken(Refused):
    """Another link has this code already."""


class DatesContradict(Refused):
    """`valid_from` must lie before `expires_at`."""


class TagInvalid(Refused):
    """A tag is 1 to 64 characters without commas or control characters."""


class LinkNotFound(Refused):
    """There is no link with this code."""


class LinkGone(Refused):
    """This link does not lead anywhere any more."""


class RuleInvalid(Refused):
    """A rule has conditions that all must hold, and one target or a split between several."""


class PlaceholderInvalid(Refused):
    """Placeholders are {code}, {path} and {query.NAME}, behind the host of a target."""


class PasswordInvalid(Refused):
    """A password has 4 to 256 characters."""


class ColorInvalid(Refused):
    """A colour is written as #rrggbb."""


class QrInvalid(Refused):
    """A QR code cannot be drawn like this."""


class ExternalIdTaken(Refused):
    """Another link has this external id already."""


class AliasInvalid(Refused):
    """An alias leads to a link, not to another alias."""


class AliasNotFound(Refused):
    """This link has no such alias."""


class TagNotFound(Refused):
    """There is no such tag."""


class TagTaken(Refused):
    """Another tag has this name already."""


class DomainInvalid(Refused):
    """A domain is a host name such as go.example.com, without scheme, port or path."""


class DomainNotFound(Refused):
    """This domain is not configured."""


class DomainTaken(Refused):
    """This domain is configured already."""


class DomainInUse(Refused):
    """There are links on this domain; delete or move them first."""


class VersionMismatch(Refused):
    """The link has been changed since: its `version` is not the one in If-Match."""


class VersionNotFound(Refused):
    """This link has had no such version."""


class ScheduleInvalid(Refused):
    """A scheduled change lies in the future and changes something."""


class ScheduleNotFound(Refused):
    """No such change is scheduled."""


class BulkInvalid(Refused):
    """A bulk holds 1 to 10,000 items."""


class IdempotencyKeyInvalid(Refused):
    """An Idempotency-Key has 1 to 255 visible ASCII characters."""


class IdempotencyKeyReused(Refused):
    """This Idempotency-Key has been used with another request."""


class IdempotencyKeySpent(Refused):
    """The request with this Idempotency-Key has been carried out already, or still is."""


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


class CursorInvalid(Refused):
    """This cursor was not made by this list, or was cut; start again without one."""


class TimeZoneUnknown(Refused):
    """Not a time zone of the IANA database, such as `Europe/Berlin` or `UTC`."""


class PeriodInvalid(Refused):
    """The start of a period must lie before its end."""


class TooManyBuckets(Refused):
    """This granularity would give too many buckets for the period."""


class LiveUnavailable(Refused):
    """As many clients follow clicks as this server allows; try again shortly."""


class Broken(ShortenerError):
    """A fault on our side."""

    code = "internal-error"


class DatabaseUnavailable(Broken):
    """The database cannot be reached right now; try again shortly."""


class DatabaseBusy(DatabaseUnavailable):
    """The database is locked by another writer; try again shortly."""


class StartFailed(Broken):
    """The shortener cannot start."""
