"""Settings: one frozen object, read from the environment once and passed down. Nothing else reads the environment.

Each is documented, with unit and reason, in .env.example; tests/test_documented.py keeps the two equal.
(There is none called host or port: Kubernetes sets SHORTENER_PORT itself for a service of that name.)
"""

import difflib
import os
import re
from collections.abc import Iterator
from ipaddress import IPv4Network, IPv6Network, ip_interface, ip_network
from pathlib import Path
from typing import Annotated, Any, Literal

from dotenv import dotenv_values
from pydantic import AfterValidator, AnyHttpUrl, BeforeValidator, Field, TypeAdapter, ValidationError, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from shortener import errors

PREFIX = "SHORTENER_"
#: Shortest preset administrator key, in characters: 24 of base 64 hold 144 bits, beyond any guessing.
MIN_ADMIN_KEY_LENGTH = 24
#: Settings that may be read from a file instead, named by the same setting with _FILE behind it.
_FROM_FILE = ("database_url", "admin_key")

#: A header's name (RFC 9110 section 5.6.2), and a value of printable ASCII without space around it.
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+(?:=[!-~](?:[ -~]*[!-~])?)?")
#: What is never escaped in a query (RFC 3986 section 2.3).
_PARAMETER = re.compile(r"[A-Za-z0-9._~-]+")

#: Who may read /metrics, where they have no port of their own.
METRICS_READERS = ("everybody", "key", "nobody")
#: A port, and the address to listen on before it if that is not this machine's own.
_ADDRESS = re.compile(r"(?:(?P<host>[0-9A-Za-z.-]+|\[[0-9A-Fa-f:.]+\]):)?(?P<port>[1-9][0-9]{0,4})")
_LAST_PORT = 65_535
_DATABASES = ("sqlite:///", "postgresql://", "postgres://", "postgresql+psycopg://")

#: `1G`, `64 MiB`, `512kb`: powers of 1,024.
_SIZE = re.compile(r"(\d{1,12})\s*([KMGT]?)(?:i?B)?", re.IGNORECASE | re.ASCII)
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*", re.ASCII)
_PORTS = {"http": 80, "https": 443}
#: Not shown in messages.
_SECRET = frozenset({"database_url", "admin_key"})
#: What are no settings of the server: options of commands, and what Kubernetes sets for a service of our name.
_NOT_OURS = re.compile(r"API_(URL|KEY)|(?:\w+_)?SERVICE_(HOST|PORT\w*)|(?:\w+_)?PORT(_\d+_(TCP|UDP)\w*)?")

_web_address: TypeAdapter[AnyHttpUrl] = TypeAdapter(AnyHttpUrl)


def _split(value: Any) -> Any:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _stripped(value: Any) -> Any:
    """Without space around it, which no header could carry."""
    return value.strip() if isinstance(value, str) else value


def _bytes(value: Any) -> Any:
    """`1G` as a number of bytes; what is written otherwise is left for the check of whole numbers."""
    sized = _SIZE.fullmatch(value) if isinstance(value, str) else None
    return int(sized[1]) * 1024 ** " KMGT".index(sized[2].upper() or " ") if sized else value


def _number(value: Any) -> Any:
    """The environment has only text, which a literal number does not match."""
    return int(value) if isinstance(value, str) and value.isdecimal() else value


def _networks(value: Any) -> Any:
    return tuple(_network(part) for part in _split(value))


def _network(value: Any) -> IPv4Network | IPv6Network:
    try:
        network = ip_network(value, strict=False)
    except ValueError as error:
        example = "one such as 10.0.0.0/8, 192.0.2.7 or 2001:db8::/32"
        raise ValueError(f"'{value}' is no network: write {example}, with commas between several") from error
    if isinstance(value, str) and ip_interface(value).ip != network.network_address:
        raise ValueError(f"'{value}' is an address in a network: write {network}")
    return network


def _schemes(value: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(_scheme(scheme) for scheme in value)


def _scheme(value: str) -> str:
    scheme = value.lower().removesuffix("//").removesuffix(":")
    if not _SCHEME.fullmatch(scheme):
        raise ValueError(f"'{value}' is no scheme: write its name alone, such as mailto or ftp")
    return scheme


def _base_url(value: str | None) -> str | None:
    if value is None:
        return None
    url = _web_url(value)
    if url.query or url.fragment or url.username or (url.path or "/") != "/":
        port = f":{url.port}" if url.port != _PORTS[url.scheme] else ""
        right = f"{url.scheme}://{url.host}{port}"
        shown = "it" if url.password else f"'{value}'"
        raise ValueError(f"{shown} has more than scheme, host and port: write {right}")
    return str(url).rstrip("/")


def _target(value: str | None) -> str | None:
    """`value` as it is, since serialising would hide what is a placeholder in it."""
    if value is not None:
        _web_url(value)
    return value


def _web_url(value: str) -> AnyHttpUrl:
    try:
        return _web_address.validate_python(value)
    except ValidationError as error:
        has_scheme = "://" in value
        right = "a URL such as https://go.example.com" if has_scheme else f"https://{value.lstrip('/')}"
        why = "is no http or https URL" if has_scheme else "has no scheme"
        raise ValueError(f"'{value}' {why}: write {right}") from error


def _header(value: str | None) -> str | None:
    if value is not None and not _HEADER.fullmatch(value):
        raise ValueError(f"'{value}' is no header: write its name, or name=value, such as X-Not-Counted=1")
    return value


def _parameter(value: str | None) -> str | None:
    if value is not None and not _PARAMETER.fullmatch(value):
        raise ValueError(f"'{value}' is no plain name: write letters, digits, - . _ and ~, such as nostat")
    return value


def _metrics(value: str) -> str:
    found = _ADDRESS.fullmatch(value)
    if value not in METRICS_READERS and (found is None or int(found["port"]) > _LAST_PORT):
        readers = ", ".join(METRICS_READERS)
        raise ValueError(f"must be {readers}, or a port to listen on, such as 9100 or 0.0.0.0:9100 (not '{value}')")
    return value


def _database_url(value: str | None) -> str | None:
    if value is not None and not value.startswith(_DATABASES):
        scheme, found, _ = value.partition("://")  # nothing more of it: what follows may be a password
        wrong = f"{scheme}:// is not supported" if found and scheme.replace("+", "").isalnum() else "no database URL"
        raise ValueError(f"{wrong}: write sqlite:///path or postgresql://user:password@host/name")
    if value in {"sqlite:///", "sqlite:///:memory:"}:
        why = "every process would have a database of its own in memory"
        raise ValueError(f"'{value}' names no file, and {why}: write sqlite:///path")
    return value


def _in_url(path: Path) -> str:
    """`path` as it is written in a URL."""
    return str(path).replace("%", "%25").replace("?", "%3F")


Bytes = Annotated[int, BeforeValidator(_bytes)]
Target = Annotated[str | None, AfterValidator(_target)]


class Settings(BaseSettings):
    """What the operator has decided. Immutable."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_file=".env",
        env_file_encoding="utf-8",
        env_ignore_empty=True,
        frozen=True,
        extra="ignore",
    )

    data_dir: Path = Path("data")
    database_url: Annotated[str | None, AfterValidator(_database_url)] = Field(None, repr=False)
    database_url_file: Path | None = None
    database_pooler: Literal["none", "transaction"] = "none"
    base_url: Annotated[str | None, AfterValidator(_base_url)] = None
    admin_key: Annotated[str, Field(min_length=MIN_ADMIN_KEY_LENGTH), BeforeValidator(_stripped)] | None = Field(
        None, repr=False
    )
    admin_key_file: Path | None = None
    redirect_status: Annotated[Literal[301, 302, 307, 308], BeforeValidator(_number)] = 302
    redirect_cache_seconds: int = Field(300, ge=0, le=31_536_000)
    home_target: Target = None
    not_found_target: Target = None
    expired_target: Target = None
    code_length: int = Field(7, ge=4, le=64)
    target_schemes: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split), AfterValidator(_schemes)] = ()
    trusted_proxies: Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode, BeforeValidator(_networks)] = ()
    geoip_path: Path | None = None
    qr_logo: Path | None = None
    click_durability: Literal["process", "power", "memory"] = "process"
    cached_links: int = Field(100_000, ge=1)
    cached_bytes: Bytes = Field(2**26, ge=2**22, le=2**40)
    stats_cache_bytes: Bytes = Field(2**22, ge=0, le=2**32)
    spool_max_bytes: Bytes = Field(2**30, ge=2**26)
    spool_min_free_bytes: Bytes = Field(2**28, ge=0)
    orphans_per_day: int = Field(10_000, ge=0)
    live_subscribers: int = Field(1_000, ge=0, le=100_000)
    referrer_url: Literal["origin", "page"] = "origin"
    click_retention_days: int = Field(90, ge=0, le=36_500)
    excluded_addresses: Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode, BeforeValidator(_networks)] = ()
    excluded_header: Annotated[str | None, AfterValidator(_header)] = None
    excluded_parameter: Annotated[str | None, AfterValidator(_parameter)] = None
    max_body_bytes: Bytes = Field(65_536, ge=1024, le=2**30)
    max_bulk_bytes: Bytes = Field(5_242_880, ge=1024, le=2**30)
    metrics: Annotated[str, BeforeValidator(_stripped), AfterValidator(_metrics)] = "everybody"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["text", "json"] = "text"

    @property
    def database(self) -> str:
        """The database's address: the one set, else a file in the data directory."""
        return self.database_url or f"sqlite:///{_in_url(self.data_dir / 'shortener.db')}"

    @property
    def is_pooled(self) -> bool:
        """Whether a pooler stands before the database that gives each transaction another connection."""
        return self.database_pooler == "transaction"

    @property
    def public_url(self) -> str:
        """Where visitors reach this instance, without a slash at the end."""
        return self.base_url or "http://localhost:8000"

    @property
    def metrics_address(self) -> tuple[str, int] | None:
        """Host and port on which alone metrics are shown; None where they have no port of their own."""
        found = _ADDRESS.fullmatch(self.metrics)
        return None if found is None else ((found["host"] or "127.0.0.1").strip("[]"), int(found["port"]))

    @property
    def spool_dir(self) -> Path:
        """Where clicks wait for the database."""
        return self.data_dir / "spool"

    @model_validator(mode="before")
    @classmethod
    def _read_files(cls, values: dict[str, Any]) -> dict[str, Any]:
        for name in _FROM_FILE:
            file = values.get(f"{name}_file")
            if file is not None and values.get(name) is None:
                try:
                    values[name] = Path(file).read_text(encoding="utf-8").strip()
                except (OSError, UnicodeError) as error:
                    why = getattr(error, "strerror", None) or "not UTF-8"
                    raise ValueError(f"{PREFIX}{name.upper()}_FILE: {why}: {file}") from error
        return values


def load(**overrides: Any) -> Settings:
    """The settings of this process; `overrides` win over the environment. Raises StartFailed in one line."""
    try:
        return Settings(**overrides)
    except UnicodeDecodeError as error:
        raise errors.StartFailed("the file .env is not UTF-8") from error
    except ValidationError as error:
        problem = error.errors()[0]
        field = str(problem["loc"][0]) if problem["loc"] else ""
        name = f" {PREFIX}{field.upper()}" if field else ""
        raise errors.StartFailed(f"bad setting{name}: {_message(field, problem)}") from error


def unknown_names() -> Iterator[str]:
    """A sentence for each name in the environment or .env that begins as settings do and is none."""
    known = [name.upper() for name in Settings.model_fields]
    given = {name.upper() for name in (*os.environ, *dotenv_values(".env", encoding="utf-8"))}
    for name in sorted(name for name in given if name.startswith(PREFIX)):
        if name.removeprefix(PREFIX) in known or _NOT_OURS.fullmatch(name.removeprefix(PREFIX)):
            continue
        nearest = difflib.get_close_matches(name.removeprefix(PREFIX), known, 1)
        meant = f"did you mean {PREFIX}{nearest[0]}?" if nearest else "docs/SETTINGS.md has all that there are"
        yield f"there is no setting {name}, so it has no effect: {meant}"


def _message(field: str, problem: Any) -> str:
    """The message about a wrong value of `field`: what is wrong, and what would be right."""
    kind, value, context = problem["type"], problem["input"], problem.get("ctx", {})
    if kind == "literal_error":
        return f"'{value}' is not known: write {context['expected'].replace(chr(39), '')}"
    if kind == "string_too_short":
        return f"{len(value)} characters are too few: write at least {context['min_length']}"
    if kind.startswith(("int_", "greater_than", "less_than")):
        return f"'{value}' is wrong: write a whole number {_limits(field)}"
    message: str = problem["msg"].removeprefix("Value error, ")
    return message if kind == "value_error" or field in _SECRET else f"'{value}': {message}"


def _limits(field: str) -> str:
    """Which numbers `field` takes."""
    limits = Settings.model_fields[field].metadata
    least = next((limit.ge for limit in limits if hasattr(limit, "ge")), None)
    most = next((limit.le for limit in limits if hasattr(limit, "le")), None)
    units = ", or with a unit, such as 64M" if field.endswith("_bytes") else ""
    return f"{f'from {least} to {most}' if most is not None else f'of {least} or more'}{units}"
