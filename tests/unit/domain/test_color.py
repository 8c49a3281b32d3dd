"""Colours: their normal form and what is refused."""

import pytest

from shortener import errors
from shortener.domain import color as colors


@pytest.mark.parametrize(
    ("color", "normal"),
    [
        pytest.param("#ff8800", "#ff8800", id="lower-case"),
        pytest.param("#FF88aB", "#ff88ab", id="upper-case"),
        pytest.param("#000000", "#000000", id="black"),
    ],
)
def test_colors(color: str, normal: str) -> None:
    assert colors.normal_form(color) == normal
    assert colors.normal_form(normal) == normal


@pytest.mark.parametrize(
    "color",
    [
        pytest.param("", id="empty"),
        pytest.param("red", id="word"),
        pytest.param("ff8800", id="no-sign"),
        pytest.param("#f80", id="three-digits"),
        pytest.param("#ff8800cc", id="eight-digits"),
        pytest.param("#ff880", id="five-digits"),
        pytest.param("#gg8800", id="other-letters"),
        pytest.param("##ff880", id="two-signs"),
        pytest.param(" #ff8800", id="space-before"),
        pytest.param("#ff8800\n", id="newline-behind"),
        pytest.param("#ff\0800", id="nul"),
        pytest.param("#١١١١١١", id="digits-of-another-script"),
        pytest.param("＃ff8800", id="sign-of-another-width"),
        pytest.param("#ﬀ8800", id="ligature"),
        pytest.param("rgb(255,136,0)", id="function"),
        pytest.param("#" + "f" * 100_000, id="very-long"),
    ],
)
def test_what_is_no_color(color: str) -> None:
    with pytest.raises(errors.ColorInvalid) as refusal:
        colors.normal_form(color, name="dark")
    assert refusal.value.field == "dark"
    assert "#ff8800" in refusal.value.detail
