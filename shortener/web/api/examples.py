"""Answers that routes have in common, for the OpenAPI description: the errors, each with an example of its own.

Routes only refer to shapes and examples; the description has them once (web/api/description).
"""

from collections.abc import Iterator
from typing import Any

from shortener import errors
from shortener.web import errors as problems
from shortener.web.responses import ProblemResponse
from shortener.web.statuses import STATUS_OF_CODE

Responses = dict[int | str, dict[str, Any]]

#: The shape of a problem document, which the description adds (web/api/description). Named, and not given as the
#: model: of that the framework would make a validator for each status of each route, 900 in all, which took 4 MB.
PROBLEM = {"$ref": "#/components/schemas/ProblemOut"}
#: What only administration pages answer, which are left out of the description.
OF_PAGES = frozenset({errors.SignedOut.code, errors.SigninLinkInvalid.code})


def refusals(*kinds: type[errors.ShortenerError]) -> Responses:
    """The responses of a route that can end in these errors, by status, with an example of each."""
    found: Responses = {}
    for kind in kinds:
        status = STATUS_OF_CODE[kind.code]
        response = found.setdefault(status, {"description": "", "content": {}})
        titles = [title for title in (response["description"], problems.title(kind.code)) if title]
        response["description"] = ", ".join(dict.fromkeys(titles))
        media = response["content"].setdefault(ProblemResponse.media_type, {"schema": PROBLEM, "examples": {}})
        media["examples"][kind.code] = {"$ref": f"#/components/examples/{kind.code}"}
    return found


def of_errors() -> dict[str, dict[str, Any]]:
    """An example of each error that is answered, by its code."""
    answered = STATUS_OF_CODE.keys() - OF_PAGES
    kinds = {kind.code: kind for kind in _kinds(errors.ShortenerError) if kind.code in answered}
    made = {code: kind([]) if kind is errors.ValidationFailed else kind() for code, kind in kinds.items()}
    return {code: {"summary": error.detail, "value": problems.problem(error)} for code, error in made.items()}


def _kinds(base: type[errors.ShortenerError]) -> Iterator[Any]:
    for kind in base.__subclasses__():
        yield kind
        yield from _kinds(kind)


#: What a call with a key can always end in.
WITH_KEY = refusals(
    errors.KeyMissing,
    errors.KeyInvalid,
    errors.ScopeMissing,
    errors.DatabaseUnavailable,
    errors.DatabaseBusy,
    errors.Broken,
)
#: What asking for metrics can end in where not everybody may read them.
NO_METRICS = refusals(errors.KeyMissing, errors.KeyInvalid, errors.ScopeMissing, errors.PathNotFound)
#: What a call with a body can always end in.
WITH_BODY = refusals(errors.MalformedJson, errors.BodyIncomplete, errors.BodyTooLarge, errors.UnsupportedMediaType)
#: What a POST with an Idempotency-Key can end in.
WITH_IDEMPOTENCY = refusals(errors.IdempotencyKeyInvalid, errors.IdempotencyKeyReused, errors.IdempotencyKeySpent)
#: What can be wrong with the fields of a link, and with its code.
FIELDS = (
    errors.ValidationFailed,
    errors.TargetInvalid,
    errors.TargetTooLong,
    errors.TargetCharacters,
    errors.TargetScheme,
    errors.TargetUserInfo,
    errors.TargetOwnHost,
    errors.PlaceholderInvalid,
    errors.DatesContradict,
    errors.TagInvalid,
    errors.RuleInvalid,
    errors.PasswordInvalid,
    errors.DomainInvalid,
)
CODE = (errors.CodeInvalid, errors.CodeReserved)
#: What can be wrong with how a link is named in a path.
NAME = (errors.LinkNotFound, errors.DomainInvalid, errors.ValidationFailed)

VISIT: Responses = {
    302: {"description": "The redirect: 301, 302, 307 or 308, as the link says.", "content": {}},
    **refusals(
        errors.TooManyParameters,
        errors.RequestTargetTooLong,
        errors.LocationTooLong,
        errors.LinkNotFound,
        errors.MethodNotAllowed,
        errors.LinkGone,
        errors.PasswordRequired,
        errors.PasswordWrong,
        errors.FormExpired,
        errors.TooManyTries,
        errors.DatabaseUnavailable,
    ),
}
NOT_READY: Responses = {
    503: {
        "description": "Something does not work",
        "content": {
            "application/json": {
                "example": {
                    "status": "failing",
                    "checks": {"database": "database unavailable", "spool": "ok", "drainer": "ok"},
                    "warnings": [],
                }
            }
        },
    }
}
