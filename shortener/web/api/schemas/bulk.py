"""Shapes of bulks."""

from pydantic import Field

from shortener.web.api.schemas.fields import In, Out
from shortener.web.api.schemas.links import LinkOut, LinkPatch
from shortener.web.api.schemas.problems import ProblemOut


class BulkDelete(In):
    """A link to be deleted."""

    code: str = Field(examples=["sale"])
    domain: str = Field("", description="Empty is the default one.", examples=[""])


class BulkEdit(BulkDelete):
    """A link to be changed."""

    changes: LinkPatch = Field(examples=[{"title": "Winter sale"}])


class ResultOut(Out):
    """What became of an item."""

    index: int = Field(description="Of the item, from 0.", examples=[0])
    status: int = Field(description="What the item alone would have been answered.", examples=[201])
    link: LinkOut | None = Field(None, description="Unless it was refused or deleted.")
    problem: ProblemOut | None = Field(None, description="Why it was refused.")


class BulkOut(Out):
    """The results of a bulk, in the order of its items."""

    data: list[ResultOut]
