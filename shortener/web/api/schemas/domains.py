"""Shapes of domains."""

from typing import Literal

from pydantic import AwareDatetime, Field

from shortener.web.api.schemas.fields import In, Out


class DomainPatch(In):
    """Fields of a domain to be changed; those left out stay as they are, null is the instance's own."""

    home_target: str | None = Field(
        None, description="Where the bare host leads.", examples=["https://example.com/about"]
    )
    not_found_target: str | None = Field(
        None, description="Where a code that no link has leads.", examples=["https://example.com/lost"]
    )
    expired_target: str | None = Field(
        None,
        description="Where its links lead that are over and name no target of their own for that.",
        examples=["https://example.com/over"],
    )
    status: Literal[301, 302, 307, 308] | None = Field(
        None, description="Status of redirects by its links that have none of their own.", examples=[307]
    )


class DomainCreate(DomainPatch):
    """A domain to be configured. `{"name": "go.example.com"}` is enough."""

    name: str = Field(
        description="A host name, `localhost` or an IP address; without scheme, port and path.",
        examples=["go.example.com"],
    )


class DomainOut(Out):
    """A domain."""

    name: str = Field(description="In lower case and ASCII, as browsers send it.", examples=["xn--bcher-kva.example"])
    unicode_name: str = Field(description="As people write it.", examples=["bücher.example"])
    home_target: str | None = Field(examples=["https://example.com/about"])
    not_found_target: str | None = Field(examples=["https://example.com/lost"])
    expired_target: str | None = Field(examples=[None])
    status: int | None = Field(examples=[307])
    links: int = Field(description="How many it has; aliases are not counted.", examples=[12])
    created_at: AwareDatetime = Field(examples=["2026-11-01T09:30:00Z"])
    warnings: list[str] = Field(
        description="What leads to this domain, such as links that are older than it. Empty in lists, "
        "which do not look for it.",
        examples=[["1 link leads to this domain: 'sale'. Change its target: …"]],
    )
