"""`shortener live`: clicks as they happen, from a server, over any number of connections."""

import json
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Any

import typer

from shortener.cli.client import TIMEOUT, Api, Key, Url, reached, refuse, with_key
from shortener.cli.filters import Where, filters
from shortener.cli.one_link import Domain, named
from shortener.cli.output import complain, date_and_time

if TYPE_CHECKING:
    from httpx2 import Client, EventSource, ServerSentEvent

#: Seconds before a stream that was cut off is asked for again, unless the server says another number.
_PAUSE = 3.0
#: A server that cannot serve just now, or what stands before one that is being started anew.
_PASSING = frozenset({502, 503, 504})
#: What people are shown of a click, with the width of each column; the last one has no end.
_COLUMNS = {
    "time": 19,
    "code": 16,
    "class": 8,
    "unique": 6,
    "country": 7,
    "browser": 16,
    "os": 12,
    "device": 8,
    "referrer": 0,
}


def live(
    code: Annotated[str | None, typer.Argument(help="A link's short code or short URL; left out, all links.")] = None,
    domain: Domain = None,
    classes: Annotated[
        str | None, typer.Option("--class", help="human, bot, preview, prefetch, monitor; default: human.")
    ] = None,
    where: Where = None,
    url: Url = None,
    key: Key = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print each click as a line of JSON.")] = False,
) -> None:
    """Show clicks as they happen, until Ctrl+C. Needs --url: a running server tells of them."""
    if url is None:
        raise typer.Exit(complain("--url: name the server whose clicks to show, such as http://localhost:8000", 2))
    if domain is not None and code is None:
        raise typer.Exit(complain("--domain: name the link on that domain, too", 2))
    place, of_link = "", {}
    if code is not None:
        link = named(Api(url, key), code, domain)
        place, of_link = link.path(), link.params
    stream = _Stream(url, key, f"/api/v1{place}/live", {"class": classes, **of_link, **filters(where)})
    with suppress(KeyboardInterrupt):
        for number, event in enumerate(stream.events()):
            if number == 0 and not as_json:  # there is a stream
                typer.echo(_line({name: name for name in _COLUMNS}))
            _show(event, as_json=as_json)


class _Stream:
    """The events of a path of a server's API. What is missed between two connections is asked for."""

    def __init__(self, url: str, key: str | None, path: str, params: dict[str, str | None]) -> None:
        self._url = url
        self._headers = with_key((key or "").strip())
        self._path = path
        self._params = {name: value for name, value in params.items() if value is not None}
        self._last_id = ""
        self._pause = _PAUSE
        self._has_begun = False

    def events(self) -> Iterator["ServerSentEvent"]:
        """All events, for ever. Exits if the server refuses, or cannot be reached the first time."""
        import httpx2

        with (
            reached(self._url),
            # Silence is longer than between two signs of life only where the server is gone.
            httpx2.Client(base_url=self._url, headers=self._headers, timeout=TIMEOUT) as client,
        ):
            while True:
                try:
                    yield from self._connection(client)
                except httpx2.HTTPError:
                    if not self._has_begun:
                        raise
                time.sleep(self._pause)

    def _connection(self, client: "Client") -> Iterator["ServerSentEvent"]:
        seen = {"last-event-id": self._last_id} if self._last_id else {}
        with client.sse(self._path, params=self._params, headers=seen) as source:
            if self._is_accepted(source):
                for event in source:
                    self._has_begun = True
                    self._last_id = event.id or self._last_id
                    self._pause = self._pause if event.retry is None else event.retry / 1000
                    yield event

    def _is_accepted(self, source: "EventSource") -> bool:
        response = source.response
        if response.is_success:
            return True
        response.read()
        if self._has_begun and response.status_code in _PASSING:
            return False
        raise typer.Exit(refuse(response))


def _show(event: "ServerSentEvent", *, as_json: bool) -> None:
    if event.event == "click":
        click: dict[str, Any] = json.loads(event.data)
        typer.echo(event.data if as_json else _line(_readable(click)))
    elif event.event == "gap":
        left_out = json.loads(event.data)["clicks"]
        complain(f"{'some' if left_out is None else left_out} clicks were missed")


def _readable(click: dict[str, Any]) -> dict[str, str | None]:
    return {**click, "time": date_and_time(click["time"]), "unique": "yes" if click["unique"] else None}


def _line(values: dict[str, Any]) -> str:
    shown = ((values.get(name) or "–", width) for name, width in _COLUMNS.items())
    return "  ".join(f"{value:<{width}}" for value, width in shown).rstrip()
