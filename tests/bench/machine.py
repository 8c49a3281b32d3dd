"""What the figures were measured with: processor, kernel, disk, versions. Nothing that names the machine."""

import os
import platform
import re
import shutil
import sqlite3
import subprocess
import tempfile
from importlib.metadata import version
from pathlib import Path

from shortener.storage.engine import journal_mode, sqlite_module
from tests.bench.cpu import Cores
from tests.bench.load import WRK
from tests.bench.servers import NGINX

_PACKAGES = ("shortener", "fastapi", "starlette", "sqlmodel", "sqlalchemy", "uvicorn", "uvloop", "httptools")


def description(cores: Cores) -> list[tuple[str, str]]:
    """Pairs of what and which."""
    shared = cores.server == cores.load
    load = os.getloadavg()[2]
    return [
        ("Processor", f"{_processor()}, {os.cpu_count()} cores, {memory_bytes() / 2**30:.0f} GiB of memory"),
        ("Cores used", "one for server and load together" if shared else "one for the server, another for the load"),
        ("Other work", f"load average of the last quarter of an hour, benchmarks included: {load:.1f}"),
        ("System", f"{platform.system()} {_numbers(platform.release())}, data on {_filesystem()}"),
        ("Python", platform.python_version()),
        ("Packages", ", ".join(f"{name} {version(name)}" for name in _PACKAGES)),
        (
            "SQLite",
            f"shortener {sqlite_module().sqlite_version} ({journal_mode()}), tutorial {sqlite3.sqlite_version}",
        ),
        ("nginx", _program_version(NGINX)),
        ("wrk", _program_version(WRK)),
    ]


def _processor() -> str:
    found = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return found[1].strip() if found else platform.machine()


def memory_bytes() -> int:
    """What the machine has."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _filesystem() -> str:
    """The kind of file system that temporary directories are on."""
    device = os.stat(tempfile.gettempdir()).st_dev
    number = f"{os.major(device)}:{os.minor(device)}"
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        if line.split()[2] == number:
            return line.partition(" - ")[2].split()[0]
    return "an unknown file system"


def _program_version(program: str) -> str:
    if shutil.which(program) is None:
        return "not installed"
    # Both print their version on an option that wrk follows with its usage and exit code 1.
    run = subprocess.run([program, "-v"], capture_output=True, text=True, check=False)
    return _numbers(run.stdout + run.stderr)


def _numbers(text: str) -> str:
    """The first version number in `text`, without what a distribution or a cloud adds to it."""
    found = re.search(r"\d+(\.\d+)+", text)
    return found[0] if found else "unknown"
