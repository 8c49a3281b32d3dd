"""Documented or red: what the code has and what the documents say of it are the same, in both directions."""

import re
from pathlib import Path

from shortener import errors
from shortener.settings import PREFIX, Settings
from shortener.web.errors import STATUS_OF_CODE

ROOT = Path(__file__).parents[1]


def every_error(kind: type[errors.ShortenerError] = errors.ShortenerError) -> set[type[errors.ShortenerError]]:
    return {kind, *(error for inner in kind.__subclasses__() for error in every_error(inner))}


#: Never answered as such: the roots of the tree, and what ends the process before it serves.
_ABSTRACT = {errors.ShortenerError.code, errors.Refused.code, errors.StartFailed.code}


def test_every_setting_is_in_env_example_and_back() -> None:
    documented = set(re.findall(rf"^#?{PREFIX}([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    assert documented == {name.upper() for name in Settings.model_fields}


def test_every_setting_is_in_the_settings_guide_and_back() -> None:
    documented = set(re.findall(rf"^\| `{PREFIX}([A-Z_]+)`", (ROOT / "docs/SETTINGS.md").read_text(), re.MULTILINE))
    assert documented == {name.upper() for name in Settings.model_fields}


def test_every_error_has_a_status_and_back() -> None:
    assert {error.code for error in every_error()} - _ABSTRACT == set(STATUS_OF_CODE)


def test_every_error_is_in_the_api_guide_and_back() -> None:
    documented = dict(re.findall(r"^\| `([a-z-]+)` \| (\d{3})", (ROOT / "docs/API.md").read_text(), re.MULTILINE))
    assert {code: int(status) for code, status in documented.items()} == STATUS_OF_CODE


def test_error_codes_are_distinct() -> None:
    codes = [error.code for error in every_error()]
    assert len(codes) == len(set(codes))
