"""Shapes of answers about erased clicks."""

from pydantic import Field

from shortener.web.api.schemas.fields import Out


class ErasedOut(Out):
    """What an erasing came to."""

    clicks: int = Field(description="How many clicks go, of all classes.", examples=[1204])
    finished: bool = Field(
        description="Whether they are gone. If not, there were very many: the drainer goes on by itself.",
        examples=[True],
    )
