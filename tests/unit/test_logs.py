"""Log lines: what must not be in them."""

import logging
from collections.abc import Iterator

import pytest
import structlog

from shortener import logs
from shortener.logs import LINES_A_SECOND, Bounded


@pytest.fixture
def _restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()


@pytest.mark.usefixtures("_restored")
@pytest.mark.parametrize("as_json", [False, True], ids=["text", "json"])
def test_a_traceback_shows_no_variables(capsys: pytest.CaptureFixture[str], as_json: bool) -> None:
    """They may be keys and addresses; and to draw them takes seconds, in which nobody is answered."""
    logs.configure("info", as_json=as_json)

    def fail(key: str) -> None:
        raise ZeroDivisionError("by zero")

    try:
        fail("a secret" + " key")
    except ZeroDivisionError as error:
        logging.getLogger("uvicorn.error").error("it failed", exc_info=error)
    written = capsys.readouterr().err
    assert "ZeroDivisionError: by zero" in written
    assert "a secret key" not in written


def test_a_bounded_log_counts_what_it_leaves_out(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = [100.0]
    monkeypatch.setattr("shortener.logs.time.monotonic", lambda: seconds[0])
    log = Bounded()
    with structlog.testing.capture_logs() as lines:
        for _ in range(LINES_A_SECOND + 7):
            log.warning("something", number=1)
        seconds[0] += 1
        log.error("something else")
        log.warning("something")
    assert [line["event"] for line in lines] == ["something"] * LINES_A_SECOND + ["something else", "something"]
    assert [line.get("left_out") for line in lines] == [None] * LINES_A_SECOND + [7, None]
