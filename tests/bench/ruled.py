"""What rules add to a redirect, and passing things on."""

from typing import Any

from tests.bench import servers
from tests.bench.instance import HeldDrainer, Instance
from tests.bench.load import WRK
from tests.bench.servers import TARGET, WORKERS
from tests.bench.subject import Bar, Column, Plan, Row, Sample, Subject, Table
from tests.bench.visits import CPU, FAILED, LATENCIES, PER_SECOND, Visited, visit, warm_up

TABLE = Table(
    title="Rules",
    method="""The load of the first table on links that do more, all answered by the edge of one worker, one after the
other. *To a plain link* divides the CPU by that of the plain link in the same round.""",
    columns=(CPU, Column("to_plain", "to a plain link", 2, "×"), PER_SECOND, *LATENCIES, FAILED),
)
PLAIN = Row(TABLE, "a plain link", "One target for everybody.")
FIVE = Row(
    TABLE,
    "five rules",
    "Conditions on device, system, browser, language, country, address, referrer and time; none of the first four"
    " rules fits, the fifth splits visitors between two targets.",
    bars=(Bar("to_plain", 1.6),),
)
FORWARDING = Row(TABLE, "query passed on", "`forward_query`, with two parameters from the visitor.")
_RULES = [
    {
        "conditions": [{"type": "device", "value": "mobile"}, {"type": "language", "value": "de"}],
        "target": "https://example.com/de",
    },
    {
        "conditions": [{"type": "operating-system", "value": "iOS"}, {"type": "browser", "value": "Safari"}],
        "target": "https://example.com/ios",
    },
    {
        "conditions": [
            {"type": "geolocation-country-code", "value": "CH"},
            {"type": "ip-address", "value": "192.0.2.0/24"},
        ],
        "target": "https://example.com/ch",
    },
    {
        "conditions": [
            {"type": "before-date", "value": "2030-01-01T00:00:00Z"},
            {"type": "referrer-host", "value": "news.example.com"},
        ],
        "target": "https://example.com/news",
    },
    {
        "conditions": [{"type": "visitor-class", "value": "human"}],
        "split": [
            {"name": "a", "target": "https://example.com/a", "weight": 90},
            {"name": "b", "target": "https://example.com/b", "weight": 10},
        ],
    },
]


def _measure(plan: Plan) -> list[Sample]:
    links: tuple[tuple[Row, dict[str, Any], str], ...] = (
        (PLAIN, {}, ""),
        (FIVE, {"rules": _RULES}, ""),
        (FORWARDING, {"forward_query": True, "target": TARGET}, "?ref=mail&page=2"),
    )
    with (
        servers.directory() as folder,
        HeldDrainer(folder),
        servers.shortener(folder, plan.cores.server) as server,
        Instance(server.url) as instance,
    ):
        found: list[tuple[Row, Visited]] = []
        for number, (row, fields, query) in enumerate(links):
            instance.create_link(f"link{number}", **fields)
            warm_up(server, plan, f"/link{number}{query}")
            found.append((row, visit(server, plan, f"/link{number}{query}", processes=WORKERS)))
    plain = found[0][1].figures()[CPU.key]
    return [
        Sample(row, {**visited.figures(), "to_plain": visited.figures()[CPU.key] / plain}) for row, visited in found
    ]


SUBJECTS = (Subject("redirect: rules", (WRK,), _measure),)
