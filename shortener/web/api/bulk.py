"""/api/v1/links/bulk: up to 10,000 links in one call, with a result for each."""

from collections.abc import Iterator, Sequence
from typing import Annotated, Any, TypeVar

import orjson
from fastapi import Depends, Request
from pydantic import BaseModel, ValidationError
from starlette.responses import StreamingResponse

from shortener import errors
from shortener.domain.link import Link
from shortener.errors import Refused
from shortener.services import bulk as service
from shortener.settings import Settings
from shortener.web import errors as problems
from shortener.web.api import examples
from shortener.web.api.rendering import draft_of, fields_of, render
from shortener.web.api.route import ApiRoute, make_router
from shortener.web.api.schemas.bulk import BulkDelete, BulkEdit, BulkOut
from shortener.web.api.schemas.links import LinkCreate
from shortener.web.deps import JSON, LinksWriter, Parts, PartsDep


class BulkRoute(ApiRoute):
    """A route whose body holds many items, as JSON or as NDJSON."""

    is_json = False

    @staticmethod
    def most_bytes(settings: Settings) -> int:
        """Of a body."""
        return settings.max_bulk_bytes


router = make_router("links", "/links/bulk", BulkRoute)

#: Passwords in one call: each takes as long as a hundred links.
MAX_PASSWORDS = 20
#: Results rendered at a time.
_TOGETHER = 200
_NDJSON = frozenset({"application/x-ndjson", "application/ndjson", "application/jsonl"})
_RESPONSES = {
    207: {"model": BulkOut, "description": "A result for each item, in their order"},
    **examples.WITH_BODY,
    **examples.refusals(errors.BulkInvalid),
}

Item = TypeVar("Item", bound=BaseModel)


async def _items(request: Request, _principal: LinksWriter) -> list[Any]:
    """The items of a body, JSON array or NDJSON, of who may send them.

    Raises UnsupportedMediaType, MalformedJson, BulkInvalid.
    """
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    body = await request.body()
    if body and media not in _NDJSON and not JSON.fullmatch(media):
        detail = f"A bulk is application/json or application/x-ndjson (not '{media or 'none'}')."
        raise errors.UnsupportedMediaType(detail)
    if media in _NDJSON:
        items = [_parsed(line, number) for number, line in enumerate(body.splitlines(), 1) if line.strip()]
    else:
        items = _parsed(body or b"[]")
    if not isinstance(items, list) or not 1 <= len(items) <= service.MAX_ITEMS:
        count = f"; this one has {len(items):,}" if isinstance(items, list) else ""
        raise errors.BulkInvalid(f"A bulk is an array of 1 to {service.MAX_ITEMS:,} items{count}.", field="body")
    return items


def _parsed(body: bytes, first_line: int = 1) -> Any:
    """The JSON value of a piece of a body that begins in line `first_line`. Raises MalformedJson."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        try:
            text = body.decode()
        except UnicodeDecodeError as not_text:
            raise problems.not_utf8(not_text, first_line) from not_text
        raise problems.malformed_json(error.msg.partition(": line ")[0], text, error.pos, first_line) from error


Items = Annotated[list[Any], Depends(_items)]


def _body(model: type[BaseModel]) -> dict[str, Any]:
    """What the description says of a body that is read by `_items`."""
    reference = {"$ref": f"#/components/schemas/{model.__name__}"}
    array = {"type": "array", "minItems": 1, "maxItems": service.MAX_ITEMS, "items": reference}
    example = [
        {name: (field.examples or [None])[0] for name, field in model.model_fields.items() if field.is_required()}
    ]
    return {
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": array, "example": example}},
        }
    }


@router.post(
    "",
    status_code=207,
    summary="Create many links",
    responses={**_RESPONSES, **examples.WITH_IDEMPOTENCY},
    openapi_extra=_body(LinkCreate),
)
def create_many(items: Items, parts: PartsDep, principal: LinksWriter) -> StreamingResponse:
    """Make up to 10,000 links: a JSON array, or NDJSON with `Content-Type: application/x-ndjson`. Each item is what
    `POST /links` takes and is judged by itself; those that are right are made in one transaction.
    """
    passwords = iter(range(MAX_PASSWORDS))

    def draft(body: LinkCreate) -> Any:
        if body.password is not None and next(passwords, None) is None:
            raise errors.PasswordInvalid(f"A bulk takes at most {MAX_PASSWORDS} passwords.", field="password")
        return draft_of(body)

    drafts = [_checked(LinkCreate, item, draft) for item in items]
    made = service.create(parts.database, parts.link_policy, drafts, actor=principal.actor)
    return _answer(made, parts, 201)


@router.patch("", status_code=207, summary="Change many links", responses=_RESPONSES, openapi_extra=_body(BulkEdit))
def edit_many(items: Items, parts: PartsDep, principal: LinksWriter) -> StreamingResponse:
    """Change up to 10,000 links: each item names a link and the fields to change, as `PATCH /links/{code}` takes."""
    edits = [
        _checked(BulkEdit, item, lambda body: (body.domain, body.code, fields_of(body.changes))) for item in items
    ]
    done = service.edit(parts.database, parts.link_policy, edits, actor=principal.actor)
    return _answer(done, parts, 200)


@router.delete(
    "", status_code=207, summary="Delete many links", responses=_RESPONSES, openapi_extra=_body(BulkDelete)
)
def delete_many(items: Items, parts: PartsDep, principal: LinksWriter) -> StreamingResponse:
    """Delete up to 10,000 links."""
    named = [_checked(BulkDelete, item, lambda body: (body.domain, body.code)) for item in items]
    return _answer(service.delete(parts.database, named, actor=principal.actor), parts, 204)


def _checked(model: type[Item], item: Any, read: Any) -> Any:
    """An item as the service takes it, or why it cannot be taken."""
    try:
        return read(model.model_validate(item))
    except ValidationError as error:
        return problems.of_validation(error)
    except Refused as error:
        return error


def _answer(results: Sequence[Link | Refused], parts: Parts, status: int) -> StreamingResponse:
    """The results, rendered while they are sent, once visits to this worker see the links as they are now."""
    for link in results:
        if isinstance(link, Link):
            for name in (link.code, *link.aliases):
                parts.lookup.forget(link.domain, name)
    return StreamingResponse(_pieces(results, parts, status), 207, media_type="application/json")


def _pieces(results: Sequence[Link | Refused], parts: Parts, status: int) -> Iterator[bytes]:
    yield b'{"data":['
    for start in range(0, len(results), _TOGETHER):
        piece = [
            _result(index, result, parts, status)
            for index, result in enumerate(results[start : start + _TOGETHER], start)
        ]
        yield (b"," if start else b"") + orjson.dumps(piece, option=orjson.OPT_UTC_Z)[1:-1]
    yield b"]}"


def _result(index: int, result: Link | Refused, parts: Parts, status: int) -> dict[str, Any]:
    if isinstance(result, Refused):
        problem = problems.problem(result)
        return {"index": index, "status": problem["status"], "problem": problem}
    link = {"link": render(result, parts)} if status != 204 else {}
    return {"index": index, "status": status, **link}
