"""The ledger: what has been asked and what has been answered, by number. It knows nothing of the shortener."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlencode

#: Numbers that share their first label. So a million visits make two thousand labels, of which a dimension may get
#: five thousand new ones a day.
_PER_LABEL = 1000
#: The status of a redirect, and what stands in its place while there is no answer.
REDIRECTED, UNANSWERED = 302, 0


def query(number: int) -> str:
    """The query that carries a number; both parts are kept with the click."""
    return urlencode({"utm_source": f"a{number // _PER_LABEL}", "utm_medium": f"b{number % _PER_LABEL}"})


def number_of(source: str, medium: str) -> int:
    """The number in a click's labels. Raises ValueError if these are no labels of ours."""
    if source[:1] + medium[:1] != "ab":
        raise ValueError(f"not a numbered click: {source}, {medium}")
    return int(source[1:]) * _PER_LABEL + int(medium[1:])


@dataclass
class Ledger:
    """Visits and creations as their sender saw them. For one thread at a time."""

    #: By number: the code asked for, and the status of the answer once its whole head had been read.
    codes: list[str] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    #: What was creating what: the status by code.
    created: dict[str, int] = field(default_factory=dict)
    #: Connections that nobody accepted, so that nothing was sent, and connections that broke.
    refused: int = 0
    broken: int = 0
    #: Answers that were wrong, in words.
    wrong: list[str] = field(default_factory=list)
    #: Visits that failed though the same worker had redirected to the same link before.
    failed_though_known: int = 0

    def ask(self, code: str) -> int:
        """Notes a visit that is about to be sent; its number."""
        self.codes.append(code)
        self.statuses.append(UNANSWERED)
        return len(self.codes) - 1

    def answered(self) -> Iterator[int]:
        """The numbers of the visits that were redirected, and so must be counted."""
        return (number for number, status in enumerate(self.statuses) if status == REDIRECTED)

    def summary(self) -> Counter[int]:
        """How many visits got which status."""
        return Counter(self.statuses)
