"""Where `serve` says that short URLs begin: remembered in the data directory, for commands that work on it."""

from contextlib import suppress
from pathlib import Path

_FILE = "base-url"


def remember(data_dir: Path, base_url: str) -> None:
    """Writes `base_url` into `data_dir`, which must exist. Raises OSError."""
    file = data_dir / _FILE
    unfinished = file.with_name(f".{_FILE}")
    unfinished.write_text(f"{base_url}\n", encoding="utf-8")
    unfinished.replace(file)


def recall(data_dir: Path) -> str | None:
    """The base URL that `serve` used last in `data_dir`; None where it is unknown."""
    with suppress(OSError, UnicodeError):
        return (data_dir / _FILE).read_text(encoding="utf-8").strip() or None
    return None
