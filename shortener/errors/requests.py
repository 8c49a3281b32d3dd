"""Errors of a request, whatever it is about."""

from collections.abc import Sequence

from shortener.errors.kinds import FieldProblem, Refused


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
    """The body broke off, or came at less than 1 KiB a second for 10 seconds."""


class HeadTooLarge(Refused):
    """Request line and headers are larger than 64 KiB."""


class RequestTargetTooLong(Refused):
    """The request target (path and query) is longer than 16 KiB."""


class MalformedRequest(Refused):
    """This is not a request of HTTP/1.1 (RFC 9112); percent-encode what is not ASCII in the request target."""


class HostInvalid(Refused):
    """A request of HTTP/1.1 has exactly one Host header, a host name or address with or without a port."""


class TooManyBodies(Refused):
    """Too many requests of your address have bodies that are still coming; finish those first."""


class TooBusy(Refused):
    """The server is receiving as many bodies as it can; try again shortly."""


class LocationTooLong(Refused):
    """With the path and query that it passes on, the link's target would exceed 8,192 characters."""


class TooManyParameters(Refused):
    """The query has more than 256 parameters, and what is asked for reads it."""


class PathNotFound(Refused):
    """There is nothing at this path."""

    code = "not-found"


class MethodNotAllowed(Refused):
    """This path does not answer that method; `Allow` lists those it does."""


class VersionMismatch(Refused):
    """The link has been changed since: its `version` is not the one in If-Match."""


class BulkInvalid(Refused):
    """A bulk holds 1 to 10,000 items."""


class IdempotencyKeyInvalid(Refused):
    """An Idempotency-Key has 1 to 255 visible ASCII characters."""


class IdempotencyKeyReused(Refused):
    """This Idempotency-Key has been used with another request."""


class IdempotencyKeySpent(Refused):
    """The request with this Idempotency-Key has been carried out already, or still is."""


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
