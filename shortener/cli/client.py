"""How commands reach the API: a server's over the network, or this machine's own without one, in process."""

import asyncio
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import quote

import typer

from shortener import settings
from shortener.cli.output import complain

Url = Annotated[
    str | None,
    typer.Option(help="Server to talk to; default: the database of this machine.", envvar="SHORTENER_API_URL"),
]
Key = Annotated[str | None, typer.Option(help="API key for --url.", envvar="SHORTENER_API_KEY")]

#: Exit codes by HTTP status; every other failure is 1.
_EXIT_CODES = {401: 4, 403: 4, 404: 3, 409: 5, 400: 2, 413: 2, 415: 2, 422: 2}
#: Rows of one page: the most the API gives.
_PAGE = 200
#: Seconds before a server is given up.
_TIMEOUT = 30.0


@dataclass(frozen=True, slots=True)
class Api:
    """The API of `url`, or of the local database where that is None."""

    url: str | None
    key: str | None

    def call(self, method: str, path: str, *, json: Any = None, params: dict[str, Any] | None = None) -> Any:
        """The answer to one request, decoded; None where there is none. Exits on any refusal, saying why."""
        given = {name: value for name, value in (params or {}).items() if value is not None}
        return asyncio.run(self._call(method, path, json, given))

    def collect(self, path: str, params: dict[str, Any], limit: int) -> list[dict[str, Any]]:
        """Up to `limit` rows of a list, over as many pages as it takes."""
        rows: list[dict[str, Any]] = []
        cursor = None
        while True:
            asked = min(limit - len(rows), _PAGE)
            page = self.call("GET", path, params={**params, "limit": asked, "cursor": cursor})
            rows += page["data"]
            cursor = page["next"]
            if cursor is None or len(rows) >= limit:
                return rows

    async def _call(self, method: str, path: str, json: Any, params: dict[str, Any]) -> Any:
        import httpx2  # heavy, and `serve` does not need it

        transport, base, key = (None, self.url, self.key or "") if self.url else _local()
        headers = {"authorization": f"Bearer {key}"}
        try:
            async with httpx2.AsyncClient(
                transport=transport, base_url=base or "", headers=headers, timeout=_TIMEOUT
            ) as client:
                response = await client.request(method, f"/api/v1{path}", json=json, params=params)
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise typer.Exit(complain(f"{base} does not answer: {error}")) from error
        if response.is_success:
            return response.json() if response.content else None
        raise typer.Exit(_refusal(response))


def in_path(value: str) -> str:
    """`value` as one segment of a path."""
    return quote(value, safe="")


def moment(value: str | None) -> str | None:
    """`value` with this machine's zone, where it names none; left for the API to refuse if it is no moment."""
    if value is None:
        return None
    try:
        return datetime.fromisoformat(value).astimezone().isoformat()
    except (ValueError, OverflowError):
        return value


def _local() -> tuple[Any, str, str]:
    """A transport to this machine's own application, with a key that exists only for this call."""
    import httpx2

    from shortener.app import create_app
    from shortener.cli.db import ready_database

    key = secrets.token_urlsafe(32)
    configured = settings.load(admin_key=key)
    ready_database(configured)
    return httpx2.ASGITransport(app=create_app(configured)), configured.public_url, key


def _refusal(response: Any) -> int:
    """Says why a request was refused, field by field; returns the exit code."""
    try:
        document = response.json()
    except ValueError:
        document = {"detail": f"{response.url} answered {response.status_code}; is it a shortener?"}
    exit_code = _EXIT_CODES.get(response.status_code, 1)
    fields = document.get("errors") or []
    if not fields:
        return complain(document["detail"], exit_code)
    for field in fields:
        complain(f"{field['field']}: {field['message']}")
    return exit_code
