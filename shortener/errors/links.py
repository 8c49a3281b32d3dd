"""Errors of a link and its parts: target, code, rules, tags, domain, schedule."""

from shortener.errors.kinds import Refused


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


class LinkNotDeleted(Refused):
    """This link is not deleted, so it cannot be undeleted."""


class UndeleteTooLate(Refused):
    """This link was deleted more than 30 days ago, so it cannot be brought back."""


class LinkGone(Refused):
    """This link does not lead anywhere any more."""

    def __init__(self, detail: str | None = None, *, reason: str = "expired") -> None:
        super().__init__(detail)
        #: The state of the link, for programs: `disabled`, `expired` or `exhausted`.
        self.reason = reason


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


class VersionNotFound(Refused):
    """This link has had no such version."""


class ScheduleInvalid(Refused):
    """A scheduled change lies in the future and changes something."""


class ScheduleNotFound(Refused):
    """No such change is scheduled."""
