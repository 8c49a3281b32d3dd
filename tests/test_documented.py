"""Documented or red: what the code has and what the documents say of it are the same, in both directions."""

import re
import tomllib
from pathlib import Path

import pytest

from shortener import errors
from shortener.settings import PREFIX, Settings
from shortener.web.statuses import STATUS_OF_CODE

ROOT = Path(__file__).parents[1]
FIGURES = tomllib.loads((ROOT / "docs/figures.toml").read_text())
#: Pages that tell of the product, by name. Benchmarks and kills are reports, decisions are of their day.
PAGES = {
    str(path.relative_to(ROOT)): path.read_text()
    for path in [ROOT / "README.md", *(ROOT / "docs").glob("*.md"), *(ROOT / "docs/guides").glob("*.md")]
    if path.name not in {"BENCHMARKS.md", "RELIABILITY.md"}
}
_BLOCK = re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL)
#: What a page says of cost or speed.
_CLAIM = re.compile(r"[\d,.]+ ?(?:µs|ms)\b|[\d,.]+ times (?:the CPU|nginx)|\d,000 (?:\w+ )?a second")


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


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_is_on_the_pages_that_state_it(name: str) -> None:
    figure = FIGURES[name]
    assert figure.keys() == {"says", "pages", "by", "on"}
    for page in figure["pages"]:
        assert figure["says"] in " ".join(PAGES[page].split()), page


@pytest.mark.parametrize("page", PAGES)
def test_a_page_states_no_figure_of_its_own(page: str) -> None:
    text = " ".join(_BLOCK.sub("", PAGES[page]).split())
    for figure in FIGURES.values():
        if page in figure["pages"]:
            text = text.replace(figure["says"], "")
    assert not _CLAIM.findall(text)
