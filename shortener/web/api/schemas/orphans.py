"""Shapes of answers about visits to codes that no link has."""

from pydantic import AwareDatetime, Field

from shortener.web.api.schemas.fields import A_MOMENT, Out


class ReferrerOut(Out):
    """Where visitors came from."""

    value: str = Field(description="A host.", examples=["news.example.org"])
    clicks: int = Field(examples=[7])


class SuggestionOut(Out):
    """A code that may have been meant."""

    code: str = Field(examples=["summer-sale"])
    domain: str = Field(description="That of the path. Empty: the default one.", examples=[""])
    short_url: str = Field(examples=["http://localhost:8000/summer-sale"])
    distance: int = Field(
        description="Typing errors between the two. 0: they look alike, or there is such a link by now.", examples=[1]
    )


class OrphanOut(Out):
    """A path that was asked for on a domain although no link is there."""

    path: str = Field(
        description="`(other)` stands for all further paths, once a day has brought very many new ones.",
        examples=["/sumer-sale"],
    )
    domain: str = Field(
        description="Whose host was visited. Empty: the default one, which has every host that is not configured.",
        examples=[""],
    )
    clicks: int = Field(description="Of the classes asked for, in the days asked for.", examples=[12])
    last_clicked_at: AwareDatetime = Field(description="The last of these.", examples=[A_MOMENT])
    referrers: list[ReferrerOut] = Field(
        description="Those that sent most, up to three; visits without one are in none.",
        examples=[[{"value": "news.example.org", "clicks": 7}]],
    )
    suggestions: list[SuggestionOut] = Field(
        description="Links on that domain that may have been meant, up to three, nearest first.",
        examples=[
            [
                {
                    "code": "summer-sale",
                    "domain": "",
                    "short_url": "http://localhost:8000/summer-sale",
                    "distance": 1,
                }
            ]
        ],
    )
