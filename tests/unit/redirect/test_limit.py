"""The limiter without a database: what it does before anybody asks, and when nothing answers."""

import asyncio
import threading
from pathlib import Path

import pytest

from shortener import errors
from shortener.redirect.limit import Limiter
from shortener.storage.engine import Database


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate()]


@pytest.fixture
def nowhere(tmp_path: Path) -> Database:
    """A database that nobody serves."""
    return Database(f"postgresql://postgres@/nothing?host={tmp_path}")


def test_it_starts_nothing_before_the_first_visit(nowhere: Database) -> None:
    limiter = Limiter(nowhere)
    assert "limiter" not in threads()
    limiter.close()


def test_without_a_database_everybody_is_told(nowhere: Database) -> None:
    async def work() -> list[object]:
        limiter = Limiter(nowhere)
        answers = await asyncio.gather(*(limiter.take(1, b"click") for _ in range(100)), return_exceptions=True)
        assert "limiter" in threads()
        limiter.close()
        assert "limiter" not in threads()
        return list(answers)

    answers = asyncio.run(work())
    assert [type(answer) for answer in answers] == [errors.DatabaseUnavailable] * 100


def test_it_may_be_used_again_after_it_was_closed(nowhere: Database) -> None:
    """As when an application is started a second time, with another event loop."""
    limiter = Limiter(nowhere)

    async def work() -> None:
        with pytest.raises(errors.DatabaseUnavailable):
            await limiter.take(1, b"click")
        limiter.close()
        limiter.close()

    for _ in range(2):
        asyncio.run(work())
        assert "limiter" not in threads()
