"""Log lines: what must not be in them."""

import logging
from collections.abc import Iterator

import pytest
import structlog

from shortener import logs


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
