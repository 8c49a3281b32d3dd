"""A crowd: every request comes from another address, with one of the browsers of real people, to any of many links.

One visitor on one link is the friendliest case there is: every cache hits, and nobody is ever new.
"""

import json
import random
import secrets
from pathlib import Path

from tests.bench.load import BROWSER

#: Enough that neither links nor browsers stay in one place, few enough to be made in a second.
LINKS = 200
#: The load is a proxy to the server, which names the visitor.
SETTINGS = {"SHORTENER_TRUSTED_PROXIES": "127.0.0.1"}

_PREFIX = "crowd"
_AGENTS = Path(__file__).parents[1] / "data" / "user-agents.jsonl"
#: Draws from the weighted list; any number far above that of the browsers keeps their proportions.
_DRAWS = 5000

_LUA = """
math.randomseed(%(seed)d)
local random, agents, rest = math.random, {%(agents)s}, %(rest)s
request = function()
  return table.concat({
    "GET /%(prefix)s", random(%(links)d), " HTTP/1.1\\r\\nHost: go.example\\r\\nX-Forwarded-For: ",
    random(223), ".", random(0, 255), ".", random(0, 255), ".", random(254),
    "\\r\\nUser-Agent: ", agents[random(#agents)], rest})
end
"""


def codes() -> list[str]:
    """The links that the crowd visits."""
    return [f"{_PREFIX}{number}" for number in range(1, LINKS + 1)]


def requests_in_lua() -> str:
    """Requests for wrk, others at each call: the crowd that warms up must not be the one that is measured."""
    lines = [json.loads(line) for line in _AGENTS.read_text().splitlines()]
    # Always the same browsers, since rounds are compared.
    drawn = random.Random(1).choices(
        [line["user_agent"] for line in lines], [line["weight"] for line in lines], k=_DRAWS
    )
    others = "".join(f"{name}: {value}\r\n" for name, value in BROWSER.items() if name != "User-Agent")
    return _LUA % {
        "seed": secrets.randbits(31),
        "agents": ", ".join(_quoted(agent) for agent in drawn),
        "rest": _quoted(f"\r\n{others}\r\n"),
        "prefix": _PREFIX,
        "links": LINKS,
    }


def _quoted(text: str) -> str:
    """A Lua string: for printable ASCII and line ends JSON writes the same."""
    return json.dumps(text)
