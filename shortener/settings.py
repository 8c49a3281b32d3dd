"""Settings: one frozen object, read from the environment once and passed down. Nothing else reads the environment.

Each is documented, with unit and reason, in .env.example; tests/test_documented.py keeps the two equal.
(There is none called host or port: Kubernetes sets SHORTENER_PORT itself for a service of that name.)
"""

import re
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Any, Literal

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

_web_address: TypeAdapter[AnyHttpUrl] = TypeAdapter(AnyHttpUrl)


def _split(value: Any) -> Any:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _stripped(value: Any) -> Any:
    """Without space around it, which no header could carry."""
    return value.strip() if isinstance(value, str) else value


def _number(value: Any) -> Any:
    """The environment has only text, which a literal number does not match."""
    return int(value) if isinstance(value, str) and value.isdecimal() else value


def _networks(value: Any) -> Any:
    return tuple(ip_network(part) for part in _split(value))


def _schemes(value: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(scheme.lower().removesuffix(":") for scheme in value)


def _base_url(value: str | None) -> str | None:
    if value is None:
        return None
    url = _web_address.validate_python(value)
    if url.query or url.fragment or url.username or (url.path or "/") != "/":
        raise ValueError("a base URL is scheme, host and port only, such as https://go.example.com")
    return str(url).rstrip("/")


def _target(value: str | None) -> str | None:
    """`value` as it is, since serialising would hide what is a placeholder in it."""
    if value is not None:
        _web_address.validate_python(value)
    return value


def _header(value: str | None) -> str | None:
    if value is not None and not _HEADER.fullmatch(value):
        raise ValueError("must be the name of a header, or name=value, such as X-Not-Counted=1")
    return value


def _parameter(value: str | None) -> str | None:
    if value is not None and not _PARAMETER.fullmatch(value):
        raise ValueError("must be a name of letters, digits, - . _ and ~, so that it is written in one way only")
    return value


def _metrics(value: str) -> str:
    found = _ADDRESS.fullmatch(value)
    if value not in METRICS_READERS and (found is None or int(found["port"]) > _LAST_PORT):
        readers = ", ".join(METRICS_READERS)
        raise ValueError(f"must be {readers}, or a port to listen on, such as 9100 or 0.0.0.0:9100 (not '{value}')")
    return value


def _database_url(value: str | None) -> str | None:
    if value is not None and not value.startswith(("sqlite:///", "postgresql://", "postgresql+psycopg://")):
        raise ValueError("must start with sqlite:/// or postgresql://")
    if value in {"sqlite:///", "sqlite:///:memory:"}:
        raise ValueError("must name a file: every process would have a database of its own in memory")
    return value


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
    stats_cache_bytes: int = Field(2**22, ge=0, le=2**32)
    spool_max_bytes: int = Field(2**30, ge=2**26)
    spool_min_free_bytes: int = Field(2**28, ge=0)
    orphans_per_day: int = Field(10_000, ge=0)
    live_subscribers: int = Field(1_000, ge=0, le=100_000)
    referrer_url: Literal["origin", "page"] = "origin"
    click_retention_days: int = Field(90, ge=0, le=36_500)
    excluded_addresses: Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode, BeforeValidator(_networks)] = ()
    excluded_header: Annotated[str | None, AfterValidator(_header)] = None
    excluded_parameter: Annotated[str | None, AfterValidator(_parameter)] = None
    max_body_bytes: int = Field(65_536, ge=1024, le=2**30)
    max_bulk_bytes: int = Field(5_242_880, ge=1024, le=2**30)
    metrics: Annotated[str, BeforeValidator(_stripped), AfterValidator(_metrics)] = "everybody"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["text", "json"] = "text"

    @property
    def database(self) -> str:
        """The database's address: the one set, else a file in the data directory."""
        return self.database_url or f"sqlite:///{self.data_dir / 'shortener.db'}"

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
        name = PREFIX + str(problem["loc"][0]).upper() if problem["loc"] else ""
        message = problem["msg"].removeprefix("Value error, ")
        raise errors.StartFailed(f"bad setting {name}: {message}".replace(" :", ":")) from error
