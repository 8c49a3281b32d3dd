"""Every phase and every check of schemathesis finds nothing that is not listed here with its reason.

Its own engine runs in process, phase by phase: the examples of the description, what covers each of its keywords
(`coverage`), what is made up from it (`fuzzing`), and one request after another with what the first has answered
(`stateful`).
"""

import logging
import re
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from fastapi import FastAPI
from schemathesis.checks import CHECKS
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema
from schemathesis.engine.run import TESTING_PHASES

from shortener.app import create_app
from shortener.settings import Settings
from shortener.web import middleware
from tests.conftest import ADMIN_KEY
from tests.sizes import IS_NIGHTLY, nightly, size

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Part:
    """One run of the engine."""

    #: How many requests of an operation, or chains of requests, a phase makes up; None where it decides itself.
    phases: dict[str, int | None]
    #: Statuses that it must meet, or it has not been to where the interesting answers are.
    meets: set[int]
    #: Which operations it goes through in `make test`, by method and path; in the night it goes through all of them.
    operations: str = ""


PARTS = {
    # What the examples create is what the others ask for.
    "made up": Part(
        {"examples": None, "fuzzing": size(1, 100), "stateful": size(5, 300)},
        {200, 201, 204, 401, 404, 409, 422},
    ),
    "keywords": Part(
        {"coverage": None},
        {200, 201, 401, 404, 405, 415, 422},
        r"(GET|POST|DELETE) /api/v1/(domains|keys|orphans|tags/\{tag\}|links/\{code\}/aliases)$"
        r"|PATCH /api/v1/links/\{code\}$|\w+ /[^a]",
    ),
}
PHASES = tuple(phase.value for phase in TESTING_PHASES)
#: In seconds, of a request on a machine that does other things too. A bulk has up to 10,000 links.
MOST_SECONDS = 120


@dataclass(frozen=True)
class Known:
    """What a check finds, and why it is right as it is."""

    check: str
    #: Of the answer: a code of a problem document, or a status.
    answers: tuple[str, ...]
    #: Which operations; all of them where it is empty.
    operations: str
    reason: str


KNOWN = (
    Known(
        "positive_data_acceptance",
        ("404", "409", "412", "422"),
        "",
        "Whether a text is a fit target, code, tag, zone or cursor is more than JSON Schema can say; what is stored "
        "decides whether something is there, or there already.",
    ),
    Known(
        "positive_data_acceptance",
        ("405",),
        r" /\{code\}",
        "Which methods a short link has depends on its status: 307 and 308 alone have more than GET and HEAD.",
    ),
    Known("positive_data_acceptance", ("403",), r" /\{code\}", "A link may have a password."),
    Known(
        "negative_data_rejection",
        ("207",),
        "/bulk$",
        "A bulk is right with wrong items in it: each has a problem of its own (test_bulk).",
    ),
    Known("use_after_free", ("200",), " /api/v1/keys/", "A key that has been revoked stays, to say when it was."),
    Known(
        "allow_header_conformance",
        ("405",),
        r" /\{code\}",
        "The description says what any short link may have; `Allow` says what this one has.",
    ),
)
#: Operations that are left out, and why.
LEFT_OUT = {
    "/live$": "Its answers have no end; without the lifespan there are none. They are test_live's subject.",
}
#: What schemathesis is told otherwise, and why.
TOLD: dict[str, Any] = {
    # A made-up X-Api-Key would stand beside the good key; bad keys are test_authorization's subject. `ignored_auth`
    # takes the good key away all the same.
    "generation": {"with-security-parameters": False},
    # A server error and a refused key are not all right, as they are by default.
    "checks": {
        "positive_data_acceptance": {"expected-statuses": ["2xx", "3xx"]},
        "negative_data_rejection": {"expected-statuses": ["400", "404", "405", "409", "412", "415", "422"]},
        "max_response_time": MOST_SECONDS,
    },
}


@dataclass
class Run:
    """What a phase has found."""

    met: Counter[int] = field(default_factory=Counter)
    #: How often each check was made.
    checked: Counter[str] = field(default_factory=Counter)
    #: What is not known, told once for each check, operation and answer.
    found: dict[tuple[str, str, str], str] = field(default_factory=dict)

    def add(self, event: events.EngineEvent) -> None:
        """Takes in what the engine tells."""
        if isinstance(event, events.ScenarioFinished):
            self._add_scenario(event.recorder)
        elif isinstance(event, events.NonFatalError):
            self.found["error", event.label, ""] = f"{event.info.title}: {event.info.message}"
        elif isinstance(event, events.FatalError):
            raise event.exception

    def _add_scenario(self, recorder: Any) -> None:
        for case_id, interaction in recorder.interactions.items():
            response = interaction.response
            if response is None:  # the engine tells of an error beside it
                continue
            self.met[response.status_code] += 1
            for check in recorder.checks.get(case_id, ()):
                self.checked[check.name] += 1
                if check.status != "success":
                    self._judge(check, recorder.cases[case_id].value.operation.label, response)

    def _judge(self, check: Any, operation: str, response: Any) -> None:
        answer = str(response.status_code)
        is_known = any(
            known.check == check.name and answer in known.answers and re.search(known.operations, operation)
            for known in KNOWN
        )
        if not is_known:
            told = check.failure_info
            why = f"{told.failure.message}\n{told.code_sample}" if told else "the check itself failed"
            self.found.setdefault((check.name, operation, answer), f"{why}\n{response.text[:500]}")


@pytest.fixture
def served(sqlite_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FastAPI]:
    """The application. Visits are not recorded: its lifespan does not run."""
    shutil.copy(sqlite_template, tmp_path / "shortener.db")
    # What is too long or too large as a whole would be refused before it is looked at (test_bad_requests_raw).
    monkeypatch.setattr(middleware, "MAX_TARGET_BYTES", 2**24)
    app = create_app(Settings(_env_file=None, data_dir=tmp_path, admin_key=ADMIN_KEY, max_body_bytes=2**24))
    yield app
    app.state.parts.database.close()


def configured(part: Part) -> SchemathesisConfig:
    """The configuration for a run: TOLD, and what is known of every operation."""
    known: dict[str, Any] = {
        each.check: [*TOLD["checks"][each.check]["expected-statuses"], *each.answers]
        for each in KNOWN
        if not each.operations
    }
    checks = TOLD["checks"] | {check: {"expected-statuses": statuses} for check, statuses in known.items()}
    phases: dict[str, Any] = {name: {"enabled": name in part.phases} for name in PHASES}
    for name, number in part.phases.items():
        if number is not None:
            phases[name]["generation"] = {"max-examples": number}
    made_up = {"no-shrink": True, "deterministic": not IS_NIGHTLY, "database": "none"}
    return SchemathesisConfig.from_dict(
        {
            **({} if IS_NIGHTLY else {"seed": 1}),
            "headers": {"Authorization": f"Bearer {ADMIN_KEY}"},
            "continue-on-failure": True,
            "request-timeout": MOST_SECONDS,
            "checks": checks,
            "generation": made_up | TOLD["generation"],
            "phases": phases,
        }
    )


@nightly
@pytest.mark.parametrize("name", PARTS)
def test_nothing_is_found_that_is_not_known(served: FastAPI, name: str) -> None:
    part = PARTS[name]
    schema: Any = schemathesis.openapi.from_asgi("/openapi.json", served, config=configured(part))
    for path in LEFT_OUT:
        schema = schema.exclude(path_regex=path)
    if part.operations and not IS_NIGHTLY:
        schema = schema.include(name_regex=f"^({part.operations})")
    run = Run()
    for event in from_schema(schema).execute():
        run.add(event)
    log.info("%s: %d requests, answered %s", name, sum(run.met.values()), dict(run.met))
    assert not run.found, "\n\n".join(f"{' '.join(key)}: {why}" for key, why in run.found.items())
    assert run.met.keys() >= part.meets
    assert run.checked.keys() >= {*CHECKS.get_all_names(), "max_response_time"}


def test_every_phase_runs() -> None:
    assert sorted(phase for part in PARTS.values() for phase in part.phases) == sorted(PHASES)
