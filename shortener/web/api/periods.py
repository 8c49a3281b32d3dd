"""The query parameters that say which period is meant: `interval`, or `start` and `end`; and in which time zone."""

from typing import Annotated

from fastapi import Depends, Query

from shortener.domain import period as periods
from shortener.domain.period import Asked, Interval
from shortener.web.api.schemas.fields import Moment


async def _asked(
    interval: Annotated[
        Interval, Query(description="A period that ends now; not used if start or end is given.")
    ] = Interval.MONTH,
    start: Annotated[Moment | None, Query(description="Where the period begins.")] = None,
    end: Annotated[Moment | None, Query(description="Where it ends, exclusive; default now.")] = None,
    timezone: Annotated[
        str, Query(max_length=64, description="IANA time zone of days and buckets.", examples=["Europe/Berlin"])
    ] = "UTC",
) -> Asked:
    """What is asked for. Raises TimeZoneUnknown."""
    return Asked(zone=periods.zone(timezone), interval=interval, start=start, end=end)


PeriodDep = Annotated[Asked, Depends(_asked)]
