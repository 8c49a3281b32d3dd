"""The fields of forms that administration pages send."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Final
from urllib.parse import parse_qsl

from fastapi import Depends, Request

from shortener import errors

#: Bytes of a form, and fields in it.
MAX_BYTES: Final = 64 * 1024
MAX_FIELDS: Final = 1_000
#: The field that says that a form is this session's (web/dashboard/cookies) or this browser's (web/grants).
TOKEN: Final = "token"  # noqa: S105  # its name
_MEDIA_TYPE = "application/x-www-form-urlencoded"
_UNREADABLE = f"This form cannot be read, or has more than {MAX_FIELDS} fields. Load the page again."


@dataclass(frozen=True, slots=True)
class Fields:
    """Names and values in the order in which they were sent; a name may come several times."""

    pairs: Sequence[tuple[str, str]] = ()

    def first(self, name: str) -> str:
        """The first value of `name`, empty where there is none."""
        return next((value for each, value in self.pairs if each == name), "")

    def all(self, name: str) -> list[str]:
        """Every value of `name`."""
        return [value for each, value in self.pairs if each == name]

    def without(self, name: str) -> "Fields":
        """All but those called `name`."""
        return Fields([pair for pair in self.pairs if pair[0] != name])


def is_form(request: Request) -> bool:
    """Whether `request` says that its body is a form."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower() == _MEDIA_TYPE


def parse(request: Request, body: bytes, most: int = MAX_FIELDS) -> Fields:
    """The fields in the `body` of `request`, at most `most`; none if it is no form.

    Raises FormExpired where it cannot be read.
    """
    if not is_form(request):
        return Fields()
    try:
        sent = body.decode("ascii")
        return Fields(parse_qsl(sent, keep_blank_values=True, errors="strict", max_num_fields=most))
    except ValueError as error:
        raise errors.FormExpired(_UNREADABLE) from error


async def _fields(request: Request) -> Fields:
    found: Fields = request.state.fields
    return found


#: The fields that the route has read of the form that a request sends.
FieldsDep = Annotated[Fields, Depends(_fields)]
