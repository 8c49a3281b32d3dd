"""Everything that can go wrong, as one tree; the first split is whose fault it is.

`Refused` is the caller's: the input or the state asked for. `Broken` is ours: a dependency that fails.
Nothing here knows HTTP; web/errors.py gives each code its status. A class's docstring is its default
message, so message and documentation cannot drift apart.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """What is wrong with one input: where it stands, a stable code, and a sentence that says what would be right."""

    field: str
    code: str
    message: str


class ShortenerError(Exception):
    """Something went wrong."""

    #: Stable name of this failure, in API answers and documentation.
    code = "error"

    def __init__(self, detail: str | None = None) -> None:
        self.detail = detail or (self.__doc__ or "").strip()
        super().__init__(self.detail)


class Refused(ShortenerError):
    """The request cannot be carried out as it stands."""

    code = "refused"

    def __init__(self, detail: str | None = None, *, field: str | None = None) -> None:
        super().__init__(detail)
        #: The input at fault, as its sender named it; None when no single one is.
        self.field = field

    @property
    def problems(self) -> Sequence[FieldProblem]:
        """One entry per input at fault."""
        return [FieldProblem(self.field, self.code, self.detail)] if self.field else []


class ValidationFailed(Refused):
    """Some of the input is not what was asked for; `errors` says which and what would be right."""

    code = "validation-failed"

    def __init__(self, problems: Sequence[FieldProblem]) -> None:
        super().__init__()
        self._problems = tuple(problems)

    @property
    def problems(self) -> Sequence[FieldProblem]:
        """One entry per input at fault."""
        return self._problems


class MalformedJson(Refused):
    """The body is not valid JSON (RFC 8259)."""

    code = "malformed-json"


class UnsupportedMediaType(Refused):
    """The body must be JSON, sent with `Content-Type: application/json`."""

    code = "unsupported-media-type"


class BodyTooLarge(Refused):
    """The body is larger than this instance accepts."""

    code = "body-too-large"


class HeadTooLarge(Refused):
    """Request line and headers are larger than 64 KiB."""

    code = "head-too-large"


class PathNotFound(Refused):
    """There is nothing at this path."""

    code = "not-found"


class MethodNotAllowed(Refused):
    """This path does not answer that method; `Allow` lists those it does."""

    code = "method-not-allowed"


class TargetInvalid(Refused):
    """The target is not a URL that a browser could open."""

    code = "target-invalid"


class TargetTooLong(Refused):
    """The target is too long."""

    code = "target-too-long"


class TargetCharacters(Refused):
    """The target contains a character that no URL may contain."""

    code = "target-characters"


class TargetScheme(Refused):
    """The target must start with http:// or https://."""

    code = "target-scheme"


class TargetUserInfo(Refused):
    """The target must not carry a user name or password."""

    code = "target-user-info"


class TargetOwnHost(Refused):
    """The target is on this shortener itself: that would be a loop."""

    code = "target-own-host"


class CodeInvalid(Refused):
    """A code is 1 to 128 letters, digits, hyphens or underscores, without dots or spaces."""

    code = "code-invalid"


class CodeReserved(Refused):
    """This code is a path of the shortener itself."""

    code = "code-reserved"


class CodeTaken(Refused):
    """Another link has this code already."""

    code = "code-taken"


class DatesContradict(Refused):
    """`valid_from` must lie before `expires_at`."""

    code = "dates-contradict"


class TagInvalid(Refused):
    """A tag is 1 to 64 characters without commas or control characters."""

    code = "tag-invalid"


class LinkNotFound(Refused):
    """There is no link with this code."""

    code = "link-not-found"


class LinkGone(Refused):
    """This link does not lead anywhere any more."""

    code = "link-gone"


class KeyMissing(Refused):
    """Send an API key: `Authorization: Bearer KEY` or `X-Api-Key: KEY`."""

    code = "key-missing"


class KeyInvalid(Refused):
    """This API key is unknown, revoked or expired."""

    code = "key-invalid"


class ScopeMissing(Refused):
    """This API key may not do that."""

    code = "scope-missing"


class KeyNotFound(Refused):
    """There is no API key with this id."""

    code = "key-not-found"


class CursorInvalid(Refused):
    """This cursor was not made by this list, or was cut; start again without one."""

    code = "cursor-invalid"


class TimeZoneUnknown(Refused):
    """Not a time zone of the IANA database, such as `Europe/Berlin` or `UTC`."""

    code = "time-zone-unknown"


class PeriodInvalid(Refused):
    """The start of a period must lie before its end."""

    code = "period-invalid"


class TooManyBuckets(Refused):
    """This granularity would give too many buckets for the period."""

    code = "too-many-buckets"


class Broken(ShortenerError):
    """A fault on our side."""

    code = "internal-error"


class DatabaseUnavailable(Broken):
    """The database cannot be reached right now; try again shortly."""

    code = "database-unavailable"


class DatabaseBusy(DatabaseUnavailable):
    """The database is locked by another writer; try again shortly."""

    code = "database-busy"


class StartFailed(Broken):
    """The shortener cannot start."""

    code = "start-failed"
