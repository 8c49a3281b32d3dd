"""How commands reach the API: a server's over the network, or this machine's own without one, in process."""

import asyncio
import gc
import hashlib
import json as json_text
import secrets
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer

from shortener.cli.output import complain
from shortener.cli.wording import option, reasons

if TYPE_CHECKING:
    from httpx2 import AsyncClient, Response

    from shortener.storage.engine import Database

Url = Annotated[
    str | None,
    typer.Option(help="Server to talk to; default: the database of this machine.", envvar="SHORTENER_API_URL"),
]
Key = Annotated[str | None, typer.Option(help="API key for --url.", envvar="SHORTENER_API_KEY")]

#: Exit codes by HTTP status; every other failure is 1.
_EXIT_CODES = {401: 4, 403: 4, 404: 3, 410: 3, 409: 5, 412: 5, 400: 2, 413: 2, 415: 2, 422: 2}
#: Rows of one page: the most that the API gives of most lists.
_PAGE = 200
#: Seconds before a server is given up.
TIMEOUT = 30.0


@dataclass(frozen=True, slots=True)
class Api:
    """The API of `url`, or of the local database where that is None."""

    url: str | None
    key: str | None

    def call(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        params: dict[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """The answer to one request, decoded; None where there is none. Exits on any refusal, saying why."""
        body = None if json is None else json_text.dumps(json).encode()
        return decoded(self.send(method, path, body=body, params=params, headers=headers))

    def send(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        media_type: str = "application/json",
        params: dict[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> "Response":
        """The answer to one request, whole. Parameters that are None are left out. Exits on any refusal."""
        sent = {name.encode(): _header(name, value) for name, value in (headers or {}).items()}
        if body is not None:
            sent[b"content-type"] = media_type.encode()

        async def send() -> "Response":
            async with self._client() as client:
                return await _ask(client, method, path, body=body, params=params, headers=sent)

        return asyncio.run(send())

    def collect(
        self, path: str, params: dict[str, Any], limit: int, page: int = _PAGE, *, hint: bool = False
    ) -> list[dict[str, Any]]:
        """Up to `limit` rows of a list, over as many pages as it takes, each of at most `page` rows.

        With `hint`, says on standard error if there are more.
        """

        async def collect() -> list[dict[str, Any]]:
            rows: list[dict[str, Any]] = []
            cursor = None
            async with self._client() as client:
                while True:
                    asked = {**params, "limit": min(limit - len(rows), page), "cursor": cursor}
                    answer = decoded(await _ask(client, "GET", path, params=asked))
                    rows += answer["data"]
                    cursor = answer["next"]
                    if cursor is None or len(rows) >= limit:
                        break
            if hint and cursor is not None:
                typer.echo(f"These are the first {limit}; --limit shows more.", err=True)
            return rows

        return asyncio.run(collect())

    def fetch(
        self, path: str, params: dict[str, Any], begin: Callable[[Mapping[str, str]], Callable[[bytes], None]]
    ) -> None:
        """Hands on an answer piece by piece, as it comes: `begin` gets its headers and gives what takes the pieces.

        Exits on any refusal, and where the answer breaks off.
        """

        async def fetch() -> None:
            async with (
                self._client() as client,
                client.stream("GET", f"/api/v1{path}", params=_given(params)) as response,
            ):
                if not response.is_success:
                    await response.aread()
                    raise typer.Exit(refuse(response))
                take = begin(response.headers)
                async for piece in response.aiter_bytes():
                    take(piece)

        asyncio.run(fetch())

    @asynccontextmanager
    async def _client(self) -> "AsyncIterator[AsyncClient]":
        import httpx2  # heavy, and `serve` does not need it

        transport, base, key, close = (None, self.url, (self.key or "").strip(), _nothing) if self.url else _local()
        try:
            with reached(base):
                async with httpx2.AsyncClient(
                    transport=transport, base_url=base, headers=with_key(key), timeout=TIMEOUT
                ) as client:
                    yield client
        finally:
            close()


@contextmanager
def reached(base: str) -> Iterator[None]:
    """Exits where the block fails to reach the server at `base`."""
    import httpx2

    try:
        yield
    except (httpx2.UnsupportedProtocol, httpx2.InvalidURL) as error:
        raise typer.Exit(complain(f"--url {base}: {error}", 2)) from error
    except httpx2.LocalProtocolError as error:  # nothing else in our requests can be malformed
        raise typer.Exit(complain("--key contains a character that no key has", 2)) from error
    except httpx2.HTTPError as error:
        raise typer.Exit(complain(f"{base} does not answer: {error or type(error).__name__}")) from error


def with_key(key: str) -> dict[bytes, bytes]:
    """The headers that say who asks. As bytes: a key may be any text, and a header's own encoding is ASCII."""
    return {b"authorization": f"Bearer {key}".encode()} if key else {}


def in_path(value: str) -> str:
    """`value` as one segment of a path, also where it is `.` or `..`, which clients would resolve."""
    return quote(value, safe="").replace(".", "%2E")


def moment(value: str | None, timezone: str | None = None) -> str | None:
    """`value` with the zone `timezone`, or else this machine's, where it names none.

    What is no moment, or no zone, is left for the API to refuse.
    """
    if value is None:
        return None
    try:
        parsed = datetime.fromisoformat(value)
        zone = parsed.tzinfo or (ZoneInfo(timezone) if timezone else None)
        return (parsed.replace(tzinfo=zone) if zone else parsed.astimezone()).isoformat()
    except (ZoneInfoNotFoundError, OSError):
        return moment(value)
    except (ValueError, OverflowError):
        return value


def decoded(response: "Response") -> Any:
    """What a successful answer says; None where it says nothing. Exits if it is no JSON."""
    try:
        return response.json() if response.content else None
    except ValueError as error:
        raise typer.Exit(complain(_stranger(response))) from error


def _header(name: str, value: str) -> bytes:
    if not value.isprintable() or value != value.strip():
        raise typer.Exit(complain(f"{option(name)}: no spaces around it, and no control characters in it", 2))
    # As bytes: it may be any text, and a header's own encoding is ASCII.
    return value.encode()


def exit_code_of(status: int) -> int:
    """The exit code of what was answered with an HTTP status."""
    return _EXIT_CODES.get(status, 1)


async def _ask(
    client: "AsyncClient",
    method: str,
    path: str,
    *,
    body: bytes | None = None,
    params: dict[str, Any] | None = None,
    headers: dict[bytes, bytes] | None = None,
) -> "Response":
    response = await client.request(
        method, f"/api/v1{path}", content=body, params=_given(params or {}), headers=headers
    )
    if not response.is_success:
        raise typer.Exit(refuse(response))
    return response


def _given(params: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in params.items() if value is not None}


def _local() -> tuple[Any, str, str, Callable[[], None]]:
    """A transport to this machine's own application, its address, a key for this call only, and how to close it."""
    # What is loaded now stays. Looking through it for garbage, again and again, took a fifth of the call.
    gc.disable()
    from shortener import logs, served, settings
    from shortener.app import create_app
    from shortener.cli.in_process import InProcess
    from shortener.storage import opening

    configured = settings.load(admin_key=secrets.token_urlsafe(32))
    if configured.base_url is None and (base_url := served.recall(configured.data_dir)):
        configured = configured.model_copy(update={"base_url": base_url})
    # A command says itself what happened; only what the application calls a fault is logged beside that.
    logs.configure("error", as_json=configured.log_format == "json")
    database = opening.ready(configured.database, pooled=configured.is_pooled)
    try:
        key = _own_key(database)
    finally:
        database.close()
    app = create_app(configured.model_copy(update={"admin_key": key}))
    gc.enable()
    app.state.parts.preset = replace(app.state.parts.preset, actor="command line")
    # No follower runs in a command: without this, it would take a link to a domain of ours for one that leads away.
    with app.state.parts.database.read() as connection:
        app.state.parts.domains.refresh(connection)
    return InProcess(app), configured.public_url, key, app.state.parts.database.close


def _own_key(database: "Database") -> str:
    """The key by which commands on this machine call their own application, which no one else can.

    The same each time, as an Idempotency-Key belongs to whoever sends it.
    """
    from shortener.services.secret import Secret

    return hashlib.blake2b(b"command line", key=Secret(database).read()).hexdigest()


def _nothing() -> None:
    pass


def refuse(response: "Response") -> int:
    """Says why a request was refused, field by field; returns the exit code."""
    try:
        found = reasons(response.json())
    except (ValueError, AttributeError, KeyError):
        return complain(_stranger(response))
    for reason in found:
        complain(reason)
    return exit_code_of(response.status_code)


def _stranger(response: "Response") -> str:
    return f"{response.url} answered {response.status_code}, but not as a shortener does; is the address right?"
