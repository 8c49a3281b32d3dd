"""…/stats.csv and …/stats.ndjson: answers about clicks as files, for every question that …/stats answers."""

from collections.abc import Callable
from typing import Annotated, Any, NamedTuple

from fastapi import APIRouter, Depends
from starlette.responses import Response

from shortener import errors
from shortener.domain import report
from shortener.domain.access import Caller, Scope
from shortener.domain.table import Form
from shortener.services import stats as service
from shortener.services.stats import Answer
from shortener.web.api import attachments, examples
from shortener.web.api.any_text import TAG
from shortener.web.api.questions import FileAskingDep, LinkFileAskingDep
from shortener.web.api.stats import DEFAULT, QUESTION_ERRORS
from shortener.web.deps import PartsDep, caller_with

router = APIRouter(tags=["stats"], responses=examples.WITH_KEY)

_COLUMNS = ("row", "value", "clicks", "unique")
_EXAMPLE_ROW = (report.DATA, "Firefox", 120, 97)


class _Place(NamedTuple):
    """Where answers are found, and how."""

    path: str
    name: str
    answer: Callable[..., Any]
    #: The dependency that reads the question.
    asking: Any
    #: For the description: clicks on …
    what: str
    refused: tuple[type[errors.Refused], ...] = ()
    needs: Scope = Scope.STATS_READ


def _all(asked: FileAskingDep, parts: PartsDep) -> Answer:
    return service.of_all(parts.database, asked.question)


def _of_link(code: str, asked: LinkFileAskingDep, parts: PartsDep) -> Answer:
    return service.of_link(parts.database, code, asked.question, asked.domain)


def _of_domain(name: str, asked: FileAskingDep, parts: PartsDep) -> Answer:
    return service.of_domain(parts.database, "" if name == DEFAULT else name, asked.question)


def _of_tag(tag: str, asked: FileAskingDep, parts: PartsDep) -> Answer:
    return service.of_tag(parts.database, tag, asked.question)


def _of_orphans(asked: FileAskingDep, parts: PartsDep) -> Answer:
    return service.of_orphans(parts.database, asked.question)


_NO_LINK = (errors.LinkNotFound, errors.DomainInvalid)
_NO_DOMAIN = (errors.DomainNotFound, errors.DomainInvalid)
_NO_TAG = (errors.TagNotFound, errors.TagInvalid)
_PLACES = (
    _Place("", "all", _all, FileAskingDep, "all links"),
    _Place("/links/{code}", "link", _of_link, LinkFileAskingDep, "a link", _NO_LINK),
    _Place("/domains/{name}", "domain", _of_domain, FileAskingDep, "a domain", _NO_DOMAIN),
    _Place(f"/tags/{TAG}", "tag", _of_tag, FileAskingDep, "the links with a tag", _NO_TAG),
    _Place("/orphans", "orphans", _of_orphans, FileAskingDep, "unknown codes"),
)


def _file(place: _Place, form: Form) -> Callable[..., Response]:
    def file(
        # Before the answer, since who may not ask is not answered.
        _caller: Annotated[Caller, Depends(caller_with(place.needs))],
        answer: Annotated[Answer, Depends(place.answer)],
        asked: place.asking,  # type: ignore[name-defined]  # for FastAPI
    ) -> Response:
        """The same answer as without a suffix, as a file.

        The column `row` says what a row is: `data` is a bucket or value, `other` what `limit` cut off, `total` all
        of these together, `excluded` a class that was left out.
        """
        return attachments.attachment(form, "stats", report.columns(answer), [report.rows(answer)], bom=asked.bom)

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
