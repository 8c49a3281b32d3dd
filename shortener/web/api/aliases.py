"""/api/v1/links/{code}/aliases."""

from starlette.responses import Response

from shortener import errors
from shortener.services import aliases as service
from shortener.web.api import examples
from shortener.web.api.rendering import answer
from shortener.web.api.route import make_router
from shortener.web.api.schemas.links import AliasCreate, LinkOut
from shortener.web.deps import DomainName, LinksWriter, PartsDep

router = make_router("links", "/links/{code}/aliases")


@router.post(
    "",
    status_code=201,
    response_model=LinkOut,
    summary="Add an alias",
    responses={
        **examples.WITH_BODY,
        **examples.WITH_IDEMPOTENCY,
        **examples.refusals(
            *examples.NAME, errors.CodeTaken, errors.AliasInvalid, errors.ValidationFailed, *examples.CODE
        ),
    },
)
def add(code: str, body: AliasCreate, parts: PartsDep, principal: LinksWriter, domain: DomainName = "") -> Response:
    """Let another code lead where this link leads. Clicks count for the link, and apart by `group_by=code`."""
    link = service.add(parts.database, parts.link_policy, code, body.code, actor=principal.actor, domain=domain)
    return answer(link, parts, is_new=True)


@router.delete(
    "/{alias}",
    response_model=LinkOut,
    summary="Remove an alias",
    responses=examples.refusals(*examples.NAME, errors.AliasNotFound),
)
def remove(code: str, alias: str, parts: PartsDep, principal: LinksWriter, domain: DomainName = "") -> Response:
    """Take an alias away: its code is free again, what it counted stays with the link."""
    link = service.remove(parts.database, code, alias, actor=principal.actor, domain=domain)
    parts.lookup.forget(domain, alias)
    return answer(link, parts)
