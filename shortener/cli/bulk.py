"""Many links at once: `shortener link import`, and `delete` with several codes."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from typing import Annotated, Any, NamedTuple

import typer

from shortener.cli.client import Api, Key, Url, decoded, exit_code_of
from shortener.cli.items import Item, read
from shortener.cli.one_link import Link
from shortener.cli.output import AsJson, complain, progress, show_json

#: Most items and passwords of one call, as the API has them, and bytes as SHORTENER_MAX_BULK_BYTES has by default.
MOST_ITEMS, MOST_PASSWORDS, MOST_BYTES = 10_000, 20, 5_242_880
#: Some items were done and some refused.
IN_PART = 6
_NDJSON = "application/x-ndjson"
#: Says that an answer is that of an earlier request with the same Idempotency-Key.
_REPLAYED = "idempotent-replayed"


class _Result(NamedTuple):
    """What became of an item."""

    item: Item
    #: As schemas.bulk.ResultOut says.
    answer: dict[str, Any]
    #: Whether an earlier import had done it.
    is_old: bool

    @property
    def is_refused(self) -> bool:
        """Whether it was refused."""
        return "problem" in self.answer


def import_links(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A JSON array, NDJSON or CSV; '-' is standard input.")],
    again: Annotated[bool, typer.Option("--again", help="Also what has been imported in the last 24 hours.")] = False,
    literal: Annotated[
        bool, typer.Option("--literal", help="{code}, {path} and {query.NAME} in targets are text, not placeholders.")
    ] = False,
    url: Url = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Create many links, each judged by itself. A file that is imported again creates nothing twice."""
    results: list[_Result] = []
    found = read(file, is_literal=literal)
    try:
        with progress("Importing", len(found)) as advance:
            _import(Api(url, key), found, results, advance, again=again)
    finally:
        # Also when a call has failed: what was done before is done.
        if as_json:
            show_json([_as_json(result) for result in results])
        else:
            _say(results, len(found))
    raise typer.Exit(_complain([(f"line {each.item.line}", each.answer) for each in results], _of_fields))


def delete_many(api: Api, links: Sequence[Link]) -> None:
    """Deletes links, says of each that it did, and exits unless it did so with all."""
    results: list[tuple[str, dict[str, Any]]] = []
    for start in range(0, len(links), MOST_ITEMS):
        piece = links[start : start + MOST_ITEMS]
        body = [{"code": link.code, "domain": link.domain or ""} for link in piece]
        answers = api.call("DELETE", "/links/bulk", json=body)["data"]
        results += zip((link.code for link in piece), answers, strict=True)
    for code, result in results:
        if "problem" not in result:
            typer.echo(f"Deleted {code}.")
    raise typer.Exit(_complain(results, _of_codes))


def _import(
    api: Api, found: Sequence[Item], results: list[_Result], advance: Callable[[int], None], *, again: bool
) -> None:
    """Has links made, and adds to `results` what became of each."""
    for number, batch in enumerate(_batches(found)):
        body = b"\n".join(item.body for item in batch)
        headers = {} if again else {"Idempotency-Key": f"import-{number}-{hashlib.sha256(body).hexdigest()}"}
        response = api.send("POST", "/links/bulk", body=body, media_type=_NDJSON, headers=headers)
        is_old = _REPLAYED in response.headers
        results += (
            _Result(item, answer, is_old) for item, answer in zip(batch, decoded(response)["data"], strict=True)
        )
        advance(len(batch))


def _batches(found: Sequence[Item]) -> Iterator[list[Item]]:
    """`found` in pieces that the API takes. The same links always make the same pieces."""
    batch: list[Item] = []
    size = passwords = 0
    for item in found:
        grown, secrets = size + len(item.body) + 1, passwords + item.has_password
        if batch and (len(batch) == MOST_ITEMS or grown > MOST_BYTES or secrets > MOST_PASSWORDS):
            yield batch
            batch, grown, secrets = [], len(item.body) + 1, int(item.has_password)
        batch.append(item)
        size, passwords = grown, secrets
    if batch:
        yield batch


def _say(results: Sequence[_Result], wanted: int) -> None:
    made = [result for result in results if not result.is_refused]
    old = sum(result.is_old for result in made)
    typer.echo(f"Created {_links(len(made) - old)}.")
    if old:
        typer.echo(f"{_links(old)} had been created by an earlier import of the same; --again creates more.")
    for name in ("password", "aliases"):
        if without := sum(name in result.item.lost for result in made):
            typer.echo(f"Not imported: the {name} of {_links(without)}.")
    if refused := len(results) - len(made):
        typer.echo(f"Refused {_links(refused)}.")
    if rest := wanted - len(results):
        typer.echo(f"Not sent: {_links(rest)}. Import the same again to go on.")


def _links(count: int) -> str:
    return f"{count:,} link{'' if count == 1 else 's'}"


def _as_json(result: _Result) -> dict[str, Any]:
    rest = {name: value for name, value in result.answer.items() if name != "index"}
    return {"line": result.item.line, **rest}


def _complain(results: Sequence[tuple[str, dict[str, Any]]], reasons: Callable[[Any], list[str]]) -> int:
    """Says of each item that was refused why, as `reasons` of its problem; returns the exit code."""
    refused = [(name, answer) for name, answer in results if "problem" in answer]
    for name, answer in refused:
        for line in reasons(answer["problem"]):
            complain(f"{name}: {line}")
    if not refused:
        return 0
    return IN_PART if len(refused) < len(results) else exit_code_of(refused[0][1]["status"])


def _of_codes(problem: dict[str, Any]) -> list[str]:
    return [problem["detail"]]


def _of_fields(problem: dict[str, Any]) -> list[str]:
    """By the fields, which people have written into the file that they import."""
    fields = problem.get("errors")
    return [f"{each['field']}: {each['message']}" for each in fields] if fields else [problem["detail"]]
