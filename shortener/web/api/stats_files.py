"""…/stats.csv and …/stats.ndjson: answers about clicks as files, for every question that …/stats answers."""

from collections.abc import Callable
from typing import Annotated, Any, NamedTuple

from fastapi import Depends
from starlette.responses import Response

from shortener import errors
from shortener.domain import report
from shortener.domain.access import Principal, Scope
from shortener.domain.table import Form
from shortener.services import stats as service
from shortener.services.stats import Answer
from shortener.web.api import attachments, examples
from shortener.web.api.any_text import TAG
from shortener.web.api.questions import FileAskingDep, LinkFileAskingDep
from shortener.web.api.route import make_router
from shortener.web.api.stats import DEFAULT, QUESTION_ERRORS
from shortener.web.deps import PartsDep, principal_with

router = make_router("stats")

_COLUMNS = ("row", "value", "clicks", "unique")
_EXAMPLE_ROW = (report.DATA, "Firefox", 120, 97)


class _Place(NamedTuple):
    """Where answers are found, and how."""

    path: str
    name: str
    answer: Callable[..., Any]
    #: For the description: clicks on …
    what: str
    refused: tuple[type[errors.Refused], ...] = ()
    needs: Scope = Scope.STATS_READ


class _Answered(NamedTuple):
    """An answer, and whether its file is to begin with a byte order mark."""

    answer: Answer
    bom: bool


def _all(asked: FileAskingDep, parts: PartsDep) -> _Answered:
    return _Answered(service.of_all(parts.database, asked.question), asked.bom)


def _of_link(code: str, asked: LinkFileAskingDep, parts: PartsDep) -> _Answered:
    return _Answered(service.of_link(parts.database, code, asked.question, asked.domain), asked.bom)


def _of_domain(name: str, asked: FileAskingDep, parts: PartsDep) -> _Answered:
    return _Answered(service.of_domain(parts.database, "" if name == DEFAULT else name, asked.question), asked.bom)


def _of_tag(tag: str, asked: FileAskingDep, parts: PartsDep) -> _Answered:
    return _Answered(service.of_tag(parts.database, tag, asked.question), asked.bom)


def _of_orphans(asked: FileAskingDep, parts: PartsDep) -> _Answered:
    return _Answered(service.of_orphans(parts.database, asked.question), asked.bom)


_NO_LINK = (errors.LinkNotFound, errors.DomainInvalid)
_NO_DOMAIN = (errors.DomainNotFound,)
_NO_TAG = (errors.TagNotFound,)
_PLACES = (
    _Place("", "all", _all, "all links"),
    _Place("/links/{code}", "link", _of_link, "a link", _NO_LINK),
    _Place("/domains/{name}", "domain", _of_domain, "a domain", _NO_DOMAIN),
    _Place(f"/tags/{TAG}", "tag", _of_tag, "the links with a tag", _NO_TAG),
    _Place("/orphans", "orphans", _of_orphans, "unknown codes"),
)


def _file(place: _Place, form: Form) -> Callable[..., Response]:
    def file(
        # Before the answer, since who may not ask is not answered.
        _principal: Annotated[Principal, Depends(principal_with(place.needs))],
        # Alone: what is wrong with a question that two ask for, is told twice.
        answered: Annotated[_Answered, Depends(place.answer)],
    ) -> Response:
        """The same answer as without a suffix, as a file.

        The column `row` says what a row is: `data` is a bucket or value, `other` what `limit` cut off, `total` all
        of these together, `excluded` a class that was left out. With a comparison `previous_clicks` and
        `previous_unique` are the same row's in the other period, whose own rows begin with `previous-`.
        """
        answer, bom = answered
        return attachments.attachment(form, "stats", report.columns(answer), [report.rows(answer)], bom=bom)

    return file


for _place in _PLACES:
    for _form in Form:
        router.add_api_route(
            f"{_place.path}/stats.{_form}",
            _file(_place, _form),
            name=f"{_form}_{_place.name}",
            summary=f"Clicks on {_place.what} as {_form.upper()}",
            response_class=Response,
            responses={
                **attachments.responses(_form, _COLUMNS, _EXAMPLE_ROW),
                **examples.refusals(*_place.refused, *QUESTION_ERRORS),
            },
        )
