"""Which designs a scanner can read, and where things are in a picture."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortener import errors
from shortener.domain import qr
from shortener.domain.qr import Design, Ecc

colors = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")


def design(**wishes: Any) -> Design:
    plain = {"size": 512, "margin": 4, "dark": "000000", "light": "ffffff", "ecc": None, "logo": False}
    return qr.design(**{**plain, **wishes})


@pytest.mark.parametrize(
    ("wishes", "found"),
    [
        pytest.param({}, Design(), id="defaults"),
        pytest.param({"dark": "#003366"}, Design(dark="#003366"), id="hash"),
        pytest.param({"dark": "003366"}, Design(dark="#003366"), id="no-hash"),
        pytest.param({"dark": "#A0000F"}, Design(dark="#a0000f"), id="upper-case"),
        pytest.param({"light": "transparent"}, Design(light=None), id="transparent"),
        pytest.param({"light": "Transparent"}, Design(light=None), id="transparent-in-any-case"),
        pytest.param({"ecc": Ecc.L}, Design(ecc=Ecc.L), id="ecc"),
        pytest.param({"logo": True}, Design(ecc=Ecc.H, logo=True), id="a-logo-needs-h"),
        pytest.param({"logo": True, "ecc": Ecc.H}, Design(ecc=Ecc.H, logo=True), id="a-logo-with-h"),
        pytest.param({"dark": "#000000", "light": "#00ff00"}, Design(light="#00ff00"), id="black-on-green"),
        pytest.param({"dark": "#949494"}, Design(dark="#949494"), id="just-enough-contrast"),
    ],
)
def test_designs(wishes: dict[str, Any], found: Design) -> None:
    assert design(**wishes) == found


@pytest.mark.parametrize(
    ("wishes", "error", "field"),
    [
        pytest.param({"dark": "red"}, errors.ColorInvalid, "dark", id="name"),
        pytest.param({"dark": "#fff"}, errors.ColorInvalid, "dark", id="three-digits"),
        pytest.param({"dark": "#00336600"}, errors.ColorInvalid, "dark", id="alpha"),
        pytest.param({"dark": "##00336"}, errors.ColorInvalid, "dark", id="two-hashes"),
        pytest.param({"dark": ""}, errors.ColorInvalid, "dark", id="empty"),
        pytest.param({"dark": "transparent"}, errors.ColorInvalid, "dark", id="dark-transparent"),
        pytest.param({"dark": "٠٠٠٠٠٠"}, errors.ColorInvalid, "dark", id="other-digits"),
        pytest.param({"dark": '"/><a>'}, errors.ColorInvalid, "dark", id="markup"),
        pytest.param({"light": "none"}, errors.ColorInvalid, "light", id="light-none"),
        pytest.param({"light": "fffff\n"}, errors.ColorInvalid, "light", id="newline"),
        pytest.param({"dark": "ffffff"}, errors.QrInvalid, "dark", id="the-same"),
        pytest.param({"dark": "ffffff", "light": "000000"}, errors.QrInvalid, "dark", id="inverted"),
        pytest.param({"dark": "959595"}, errors.QrInvalid, "dark", id="just-too-little-contrast"),
        pytest.param({"dark": "ff0000", "light": "0000ff"}, errors.QrInvalid, "dark", id="red-on-blue"),
        pytest.param({"dark": "ffff00", "light": "transparent"}, errors.QrInvalid, "dark", id="yellow-on-paper"),
        pytest.param({"logo": True, "ecc": Ecc.Q}, errors.QrInvalid, "ecc", id="a-logo-with-q"),
        pytest.param({"logo": True, "ecc": Ecc.L}, errors.QrInvalid, "ecc", id="a-logo-with-l"),
    ],
)
def test_what_no_scanner_could_read(wishes: dict[str, Any], error: type[errors.Refused], field: str) -> None:
    with pytest.raises(error) as raised:
        design(**wishes)
    assert raised.value.field == field
    assert len(raised.value.detail) > 40


@pytest.mark.parametrize(
    ("one", "other", "contrast"),
    [
        pytest.param("#000000", "#ffffff", 21.0, id="black-and-white"),
        pytest.param("#777777", "#ffffff", 4.48, id="grey"),
        pytest.param("#ff0000", "#ffffff", 4.0, id="red"),
        pytest.param("#0000ff", "#ffffff", 8.59, id="blue"),
        pytest.param("#123456", "#123456", 1.0, id="the-same"),
    ],
)
def test_contrast(one: str, other: str, contrast: float) -> None:
    """Against the figures of WebAIM's contrast checker."""
    assert qr.contrast(one, other) == pytest.approx(contrast, abs=0.01)


@given(colors, colors)
def test_contrast_is_mutual_and_bounded(one: str, other: str) -> None:
    assert qr.contrast(one, other) == qr.contrast(other, one)
    assert 1 <= qr.contrast(one, other) <= 21


@given(colors, colors)
def test_what_is_accepted_is_dark_on_light(dark: str, light: str) -> None:
    try:
        found = design(dark=dark, light=light)
    except errors.QrInvalid:
        assert qr.contrast(dark, light) < qr.MIN_CONTRAST or qr.luminance(dark) > qr.luminance(light)
    else:
        assert qr.contrast(found.dark, light) >= qr.MIN_CONTRAST
        assert qr.luminance(found.dark) < qr.luminance(light)


#: Every symbol has 21 to 177 modules.
modules_of_symbols = st.integers(1, 40).map(lambda version: 17 + 4 * version)


@given(modules_of_symbols, st.integers(qr.MIN_SIZE, qr.MAX_SIZE), st.integers(0, qr.MAX_MARGIN))
def test_modules_are_as_wide_as_fits(modules: int, size: int, margin: int) -> None:
    whole, wanted = modules + 2 * margin, design(size=size, margin=margin)
    if size < whole:
        with pytest.raises(errors.QrInvalid, match=str(whole)) as raised:
            qr.module_pixels(wanted, modules)
        assert raised.value.field == "size"
    else:
        pixels = qr.module_pixels(wanted, modules)
        assert pixels * whole <= size < (pixels + 1) * whole


@given(modules_of_symbols)
def test_a_logo_is_in_the_middle_and_leaves_enough(modules: int) -> None:
    cleared = qr.cleared_modules(modules)
    assert cleared % 2 == modules % 2
    assert cleared > modules * qr.LOGO_SHARE
    # The correction level H restores 30 %.
    assert cleared**2 / modules**2 < 0.12


def test_content() -> None:
    assert qr.content("https://go.example/x") == "https://go.example/x?qr"
