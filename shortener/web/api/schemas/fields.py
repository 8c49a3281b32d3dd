"""What shapes are made of: strict bases, kinds of text and moments, pages."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Generic, TypeVar

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)
from pydantic_core import PydanticCustomError

from shortener.domain import period, text

Item = TypeVar("Item")

#: An example.
A_MOMENT = "2099-01-31T12:00:00Z"
#: Seconds may be left out, as HTML forms do.
_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d+)?)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_HOW_TO_WRITE_A_MOMENT = (
    "Write a moment with its offset from UTC, as RFC 3339 says: 2027-01-31T12:00:00Z or 2027-01-31T13:00:00+01:00."
)


def _line(value: str) -> str:
    return _free_of_controls(value, allowed="")


def _lines(value: str) -> str:
    return _free_of_controls(value, allowed="\n\r\t")


def _free_of_controls(value: str, allowed: str) -> str:
    wrong = text.forbidden_character(value, allowed=allowed)
    if wrong is not None:
        raise PydanticCustomError(
            "forbidden_character", "Remove the character {character}.", {"character": text.visible(wrong)}
        )
    return value


def _moment(value: Any, parse: ValidatorFunctionWrapHandler) -> datetime:
    # pydantic alone would take numbers too, as seconds or milliseconds depending on their size.
    if not (isinstance(value, str) and _RFC_3339.fullmatch(value)):
        raise PydanticCustomError("moment_invalid", _HOW_TO_WRITE_A_MOMENT)
    moment: datetime = parse(value)
    if not period.EARLIEST <= moment < period.LATEST:
        raise PydanticCustomError("moment_out_of_range", "Moments lie between the years 1970 and 9998.")
    return moment.astimezone(UTC)


#: To stand behind the limits of a field: pydantic knows them as a text's only before a function.
one_line, some_lines = AfterValidator(_line), AfterValidator(_lines)
Moment = Annotated[AwareDatetime, WrapValidator(_moment)]


class In(BaseModel):
    """What comes in: unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=False)

    def sent_fields(self) -> list[str]:
        """The names of the fields that the client sent, in the order of the description.

        pydantic has them as a set, whose order differs from one process to the next.
        """
        return [name for name in type(self).model_fields if name in self.model_fields_set]


def with_example(**fields: Any) -> ConfigDict:
    """The configuration of a shape that has an example as a whole: those of all its fields together make none."""
    return ConfigDict(json_schema_extra={"examples": [fields]})


class Out(BaseModel):
    """What goes out."""

    model_config = ConfigDict(extra="forbid")


class PageOut(Out, Generic[Item]):
    """A page of a list."""

    data: list[Item]
    next: str | None = Field(
        description="Pass it as `cursor` for the next page; null on the last.", examples=["WyJsaW5rcyJd"]
    )
