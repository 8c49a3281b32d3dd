"""Tables as files: answers that are sent while they are read, as CSV or NDJSON."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated

from fastapi import Query
from starlette.responses import StreamingResponse

from shortener.domain import table
from shortener.domain.table import Form, Value
from shortener.web.api.examples import Responses

#: How many rows a file will have, where that is known beforehand.
TOTAL_HEADER = "x-total-count"
MEDIA_TYPES = {
    Form.CSV: "text/csv; charset=utf-8; header=present",
    Form.NDJSON: "application/x-ndjson",
}

ByteOrderMark = Annotated[
    bool, Query(description="Begin CSV with a byte order mark, for spreadsheets that would not know UTF-8.")
]


def attachment(
    form: Form,
    name: str,
    columns: Sequence[str],
    pieces: Iterable[Sequence[Sequence[Value]]],
    *,
    bom: bool,
    total: int | None = None,
) -> StreamingResponse:
    """A file called `name`, with `columns` and the rows in `pieces`, each of which is sent when it is there."""
    headers = {"content-disposition": f'attachment; filename="{name}.{form}"'}
    if total is not None:
        headers[TOTAL_HEADER] = str(total)
    content = _csv(columns, pieces, bom=bom) if form is Form.CSV else _ndjson(columns, pieces)
    return StreamingResponse(content, media_type=MEDIA_TYPES[form], headers=headers)


def responses(form: Form, columns: Sequence[str], example: Sequence[Value], *, counted: bool = False) -> Responses:
    """What a route that answers with a file can end in if all goes well, for the OpenAPI description."""
    pieces = ([example],)
    content = _csv(columns, pieces, bom=False) if form is Form.CSV else _ndjson(columns, pieces)
    media = {
        "schema": {"type": "string"},
        "examples": {form: {"summary": "A row", "value": b"".join(content).decode()}},
    }
    headers = {"Content-Disposition": {"description": "`attachment`", "schema": {"type": "string"}}}
    if counted:
        told = "How many rows there will be; not where there are filters, as nobody has counted those."
        headers["X-Total-Count"] = {"description": told, "schema": {"type": "integer"}}
    return {200: {"description": "The file", "headers": headers, "content": {MEDIA_TYPES[form]: media}}}


def _csv(columns: Sequence[str], pieces: Iterable[Sequence[Sequence[Value]]], *, bom: bool) -> Iterator[bytes]:
    yield ((table.BYTE_ORDER_MARK if bom else "") + table.csv_line(columns)).encode()
    for rows in pieces:
        yield "".join([table.csv_line(row) for row in rows]).encode()


def _ndjson(columns: Sequence[str], pieces: Iterable[Sequence[Sequence[Value]]]) -> Iterator[bytes]:
    for rows in pieces:
        # Put together one by one: orjson's answers hold eight kilobytes each, however short they are.
        content = bytearray()
        for row in rows:
            content += table.ndjson_line(columns, row)
        yield bytes(content)
