"""Requests that a machine makes up from the OpenAPI description, good ones and bad ones (schemathesis)."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import booleans
from schemathesis import GenerationMode
from schemathesis.config import SchemathesisConfig
from starlette.testclient import TestClient

from shortener.app import create_app
from shortener.settings import Settings
from shortener.web.statuses import STATUS_OF_CODE
from tests.conftest import ADMIN_KEY
from tests.sizes import IS_NIGHTLY, nightly, size

#: All of schemathesis' checks are on: no 5xx; status, content type, headers and body as described; what the
#: description forbids refused; no way in without a key; and so on. Where one is told otherwise, here is why.
CHECKS: dict[str, Any] = {
    # Whether a text is a fit target, code, tag, zone or cursor is more than JSON Schema can say: 422, and 404
    # or 409 by what is stored. Unlike the default, a server error and a refused key are not all right.
    "positive_data_acceptance": {"expected-statuses": ["2xx", "3xx", "404", "405", "409", "412", "422"]},
    # Likewise: what is wrong with a request is found out before anything can break.
    "negative_data_rejection": {"expected-statuses": ["400", "404", "405", "412", "415", "422"]},
}
#: Its check for open doors takes the key away again by this very name.
WITH_KEY = {"Authorization": f"Bearer {ADMIN_KEY}"}
EXAMPLES = size(5, 300)
#: What the runs below must have met, or they have not been to where the interesting answers are.
MET = {
    GenerationMode.POSITIVE: {200, 201, 204, 302, 404, 422},
    GenerationMode.NEGATIVE: {400, 422},
}


@pytest.fixture(scope="module")
def described(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The description, with the application to try it on. Visits are not recorded: its lifespan does not run."""
    folder = tmp_path_factory.mktemp("generated")
    shutil.copy(sqlite_template, folder / "shortener.db")
    # Bodies beyond the limit, which would be refused before they are looked at, are test_bad_requests_raw's subject.
    app = create_app(Settings(_env_file=None, data_dir=folder, admin_key=ADMIN_KEY, max_body_bytes=2**24))
    # Without this a made-up X-Api-Key would stand beside the good key; bad keys are test_authorization's subject.
    generation = {"with-security-parameters": False}
    config = SchemathesisConfig.from_dict({"seed": 1, "checks": CHECKS, "generation": generation})
    yield schemathesis.openapi.from_asgi("/openapi.json", app, config=config)
    app.state.parts.database.close()


@nightly
@pytest.mark.parametrize("mode", GenerationMode)
def test_generated_requests(described: Any, mode: GenerationMode) -> None:
    met: set[int] = set()
    for found in described.get_all_operations():
        operation = found.ok()
        if operation.path.endswith("/live"):  # its answers have no end, and there are none without the lifespan
            continue
        # Any text may be asked for in a path, so what takes nothing else has no bad input.
        # A bulk is right with wrong items in it: what becomes of them is test_bulk's subject.
        is_judged = (len(operation.query) or len(operation.body)) and not operation.path.endswith("/bulk")
        if mode is GenerationMode.POSITIVE or is_judged:
            try_out(operation, mode, met)
    assert met >= MET[mode]


def try_out(operation: Any, mode: GenerationMode, met: set[int]) -> None:
    there = make_something(TestClient(operation.schema.app, headers=WITH_KEY))

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=not IS_NIGHTLY,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(operation.as_strategy(generation_mode=mode), booleans())
    def test(case: Any, ask_for_what_is_there: bool) -> None:
        if ask_for_what_is_there and case.path_parameters:
            case.path_parameters = {name: there[name] for name in case.path_parameters}
        response = case.call(headers=WITH_KEY, allow_redirects=False)
        if response.status_code == STATUS_OF_CODE["request-target-too-long"]:  # which belongs to no operation
            return
        case.validate_response(response, headers=WITH_KEY, transport_kwargs={"headers": WITH_KEY})
        met.add(response.status_code)

    test()


def make_something(client: TestClient) -> dict[str, str]:
    """A link, a key and so on, by the names that paths have for them."""
    link = client.put("/api/v1/links/there", json={"target": "https://example.com/"})
    assert link.status_code in {200, 201}
    key = client.post("/api/v1/keys", json={"name": "there", "scopes": ["stats:read"]})
    for path, name in (("tags", "there"), ("domains", "there.example")):
        assert client.post(f"/api/v1/{path}", json={"name": name}).status_code in {201, 409}
    alias = client.post("/api/v1/links/there/aliases", json={"code": "there-too"})
    assert alias.status_code in {201, 409}
    names = {"code": "there", "alias": "there-too", "external_id": "there", "tag": "there", "name": "there.example"}
    return {**names, "id": key.json()["id"]}
