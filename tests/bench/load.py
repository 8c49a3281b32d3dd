"""Load: one run of wrk, and what came of it."""

import json
import math
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.bench import cpu

WRK = "wrk"
CONNECTIONS = 64
#: What Firefox sends when somebody follows a link over plain HTTP; with Host, which wrk adds, nine headers.
BROWSER = {
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0",
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Accept-Language": "en-GB,en;q=0.7,de;q=0.3",
    "Accept-Encoding": "gzip, deflate",
    "Referer": "https://news.example/articles/2026/a-story",
    "Connection": "keep-alive",
    "Upgrade-Insecure-Requests": "1",
    "Priority": "u=0, i",
}
#: Seconds beyond the time of the load after which wrk has hung.
_PATIENCE = 10
#: Seconds after which an answer is not slow, but missing. wrk's own two are less than SQLite lets a writer wait.
_TIMEOUT = 30

#: Prints the outcome as the last line, since wrk's own words are rounded. Latencies are microseconds.
_REPORT_IN_LUA = """
done = function(summary, latency)
  local errors = summary.errors
  io.write("\\n" .. string.format(
    '{"requests": %d, "microseconds": %d, "refused": %d, "broken": %d, "p50": %d, "p99": %d}',
    summary.requests, summary.duration, errors.status, errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50), latency:percentile(99)) .. "\\n")
end
"""


class LoadFailed(Exception):
    """The load could not be put on the server."""


@dataclass(frozen=True, slots=True)
class Load:
    """What a run of wrk completed."""

    requests: int
    seconds: float
    #: Answers with status 400 or above.
    refused: int
    #: Connections that failed, and answers that never came.
    broken: int
    p50_ms: float
    p99_ms: float

    @property
    def per_second(self) -> float:
        """Requests completed per second."""
        return self.requests / self.seconds


def put(
    url: str,
    *,
    core: int | None,
    seconds: float,
    connections: int = CONNECTIONS,
    headers: Mapping[str, str] = BROWSER,
    script: str = "",
) -> Load:
    """Sends requests to `url` for `seconds` from one thread, each connection as fast as it is answered.

    The thread runs on `core`, or on any.
    `script` is Lua that makes the requests; without one they are GETs of `url`. Raises LoadFailed.
    """
    with tempfile.TemporaryDirectory(prefix="shortener-wrk-") as folder:
        file = Path(folder) / "load.lua"
        file.write_text(script + _REPORT_IN_LUA)
        # wrk takes whole seconds; it is stopped earlier by the signal that Ctrl+C sends, and reports all the same.
        command = [
            WRK,
            f"-d{math.ceil(seconds) + 1}s",
            "-t1",
            f"-c{connections}",
            f"-s{file}",
            f"--timeout={_TIMEOUT}s",
        ]
        for name, value in headers.items():
            command += ["-H", f"{name}: {value}"]
        with (
            cpu.pinned(core),
            subprocess.Popen([*command, url], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process,
        ):
            output = _output(process, seconds)
    return _read(output)


def _output(process: subprocess.Popen[str], seconds: float) -> str:
    try:
        try:
            return process.communicate(timeout=seconds)[0]
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)
            return process.communicate(timeout=_PATIENCE)[0]
    except subprocess.TimeoutExpired as error:
        raise LoadFailed("wrk does not end") from error
    finally:
        process.kill()


def _read(output: str) -> Load:
    try:
        found = json.loads(output.strip().splitlines()[-1])
    except (IndexError, ValueError) as error:
        raise LoadFailed(f"wrk says: {output.strip()}") from error
    if not found["requests"]:
        raise LoadFailed("no request was answered")
    return Load(
        requests=found["requests"],
        seconds=found["microseconds"] / 1e6,
        refused=found["refused"],
        broken=found["broken"],
        p50_ms=found["p50"] / 1000,
        p99_ms=found["p99"] / 1000,
    )
