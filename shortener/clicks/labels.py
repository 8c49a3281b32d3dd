"""Labels: the texts that dimensions have as values, as numbers. Bounded in memory and in new ones a day."""

from collections import Counter, OrderedDict
from collections.abc import Iterable, Mapping, Set

from shortener.domain.click import OTHER_LABEL, Dimension
from shortener.storage import clicks as rows
from shortener.storage import labels
from shortener.storage.engine import Connection

#: Labels kept in memory, about 200 bytes each.
KEPT = 50_000
#: New labels that one dimension may make in a day; whatever comes beyond is counted as OTHER_LABEL.
NEW_PER_DAY = 5_000


class Labels:
    """Ids of labels, remembered across transactions; what a transaction found is published after its commit."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, int] = OrderedDict()
        self._found: dict[str, int] = {}
        self._made: Counter[Dimension] = Counter()
        self._day = 0

    def resolve(
        self, connection: Connection, wanted: Mapping[Dimension, Set[str]], *, day: int, unbounded: Set[str]
    ) -> dict[Dimension, dict[str, int]]:
        """The id of each wanted label of a dimension, making those that are missing.

        `day` is today, in UTC days; labels in `unbounded` do not count as new ones of the day.
        """
        texts = set().union(*wanted.values())
        known = {text: self._kept[text] for text in texts if text in self._kept}
        for text in known:
            self._kept.move_to_end(text)
        known |= labels.ids(connection, texts - known.keys())
        fresh = sorted((dimension, text) for dimension, each in wanted.items() for text in each - known.keys())
        admitted = self._admit(fresh, day, unbounded)
        known |= rows.add_labels(connection, (*admitted, OTHER_LABEL)) if fresh else {}
        self._found = known
        return {
            dimension: {text: known[text] if text in known else known[OTHER_LABEL] for text in each}
            for dimension, each in wanted.items()
        }

    def publish(self) -> None:
        """Remembers what the last `resolve` found: call it when its transaction has been committed, and only then."""
        self._kept.update(self._found)
        self._found = {}
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)

    def _admit(self, fresh: Iterable[tuple[Dimension, str]], day: int, unbounded: Set[str]) -> list[str]:
        if day != self._day:
            self._day, self._made = day, Counter()
        admitted = []
        for dimension, text in fresh:
            if text not in unbounded:
                self._made[dimension] += 1
            if text in unbounded or self._made[dimension] <= NEW_PER_DAY:
                admitted.append(text)
        return admitted
