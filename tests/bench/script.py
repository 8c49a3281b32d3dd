"""What wrk sends, as Lua: visits by one browser or by a crowd, to any of many links or to none.

One visitor on one link is the friendliest case there is: every cache hits, and nobody is ever new.
"""

import json
import random
import secrets
from dataclasses import dataclass
from pathlib import Path

from tests.bench import population
from tests.bench.load import BROWSER

#: A crowd's load is a proxy to the server, which names the visitor.
CROWD_SETTINGS = {"SHORTENER_TRUSTED_PROXIES": "127.0.0.1"}

_AGENTS = Path(__file__).parents[1] / "data" / "user-agents.jsonl"
#: Draws from the weighted list; any number far above that of the browsers keeps their proportions.
_AGENTS_DRAWN = 5000

_LUA = """
math.randomseed(%(seed)d)
local random, floor, exp = math.random, math.floor, math.exp
%(code)s
local path = %(path)s
local visitor = %(visitor)s
local rest = %(rest)s
request = function()
  return table.concat({"GET /", path(), " HTTP/1.1\\r\\nHost: go.example\\r\\n", visitor(), rest})
end
"""
#: Each visitor has an address of its own, anywhere in IPv4, and always the same browser: the number times a prime
#: (Knuth's, of multiplicative hashing), modulo all addresses.
_CROWD_IN_LUA = """(function()
  local agents = {%s}
  return function()
    local number = random(%d)
    local address = (number * 2654435761) %% 4294967296
    return table.concat({
      "X-Forwarded-For: ", floor(address / 16777216) %% 223 + 1, ".", floor(address / 65536) %% 256, ".",
      floor(address / 256) %% 256, ".", address %% 256,
      "\\r\\nUser-Agent: ", agents[number %% #agents + 1], "\\r\\n"})
  end
end)()"""
#: Visitors of a crowd in which nobody comes twice, or hardly ever: what multiplying leaves exact in Lua's numbers.
EVERYBODY = 3_000_000


@dataclass(frozen=True, slots=True)
class Zipf:
    """Visits to `links` links, the popular ones more often, in the proportions that are known of words and websites.

    Link k has the probability log(1 + 1/k) / log(links + 1), which is nearly as 1/k.
    """

    links: int

    def in_lua(self) -> str:
        """A function that returns a code."""
        return f"function() return code(floor(exp(random() * math.log({self.links + 1})))) end"


@dataclass(frozen=True, slots=True)
class InTurn:
    """Visits to `links` links one after the other, from number `first` on, and around."""

    links: int
    first: int

    def in_lua(self) -> str:
        """A function that returns a code."""
        return f"""(function()
  local number = {self.first - 1}
  return function() number = number % {self.links} + 1; return code(number) end
end)()"""


@dataclass(frozen=True, slots=True)
class Scan:
    """Visits to codes that no link has, each once, all beginning with `name`; every `known_every`th is to a link."""

    name: str
    known_every: int
    links: InTurn

    def in_lua(self) -> str:
        """A function that returns a code."""
        return f"""(function()
  local asked, known = 0, {self.links.in_lua()}
  return function()
    asked = asked + 1
    return asked % {self.known_every} == 0 and known() or "{self.name}" .. asked
  end
end)()"""


def visits(links: Zipf | InTurn | Scan, *, visitors: int = 1) -> str:
    """Visits with a browser's headers, by that one or by any of many `visitors`.

    Each of many has an address, by X-Forwarded-For, and one of the browsers of real people.
    """
    alone = visitors == 1
    others = "".join(f"{name}: {value}\r\n" for name, value in BROWSER.items() if alone or name != "User-Agent")
    return _LUA % {
        "seed": secrets.randbits(31),
        "code": population.CODE_IN_LUA,
        "path": links.in_lua(),
        "visitor": 'function() return "" end' if alone else _crowd(visitors),
        "rest": _quoted(f"{others}\r\n"),
    }


def _crowd(visitors: int) -> str:
    lines = [json.loads(line) for line in _AGENTS.read_text().splitlines()]
    # Always the same browsers, since rounds are compared.
    drawn = random.Random(1).choices(
        [line["user_agent"] for line in lines], [line["weight"] for line in lines], k=_AGENTS_DRAWN
    )
    return _CROWD_IN_LUA % (", ".join(map(_quoted, drawn)), visitors)


def _quoted(text: str) -> str:
    """A Lua string: for printable ASCII and line ends JSON writes the same."""
    return json.dumps(text)
