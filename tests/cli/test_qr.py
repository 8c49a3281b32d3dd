"""`shortener link qr`, on this machine's database and on a server alike."""

from pathlib import Path

import pytest

from tests.cli.conftest import Instance, run

TARGET = "https://example.com/"
PNG = b"\x89PNG"
DESIGN = {"size": "300", "margin": "2", "dark": "#003366", "light": "transparent", "ecc": "Q"}
OPTIONS = tuple(option for name, value in DESIGN.items() for option in (f"--{name}", value))


def picture(instance: Instance, code: str, kind: str, **design: str) -> bytes:
    response = instance.api.get(f"/api/v1/links/{code}/qr.{kind}", params=design)
    assert response.status_code == 200, response.text
    return response.content


@pytest.mark.parametrize(("file", "kind"), [("a.svg", "svg"), ("a.png", "png"), ("A.PNG", "png")])
def test_a_file(instance: Instance, nowhere: Path, file: str, kind: str) -> None:
    instance.cli("link", "create", TARGET, "--code", "drawn")
    result = instance.cli("link", "qr", "drawn", file)
    assert (result.exit_code, result.stdout, result.stderr) == (0, f"Wrote {file}.\n", "")
    assert (nowhere / file).read_bytes() == picture(instance, "drawn", kind)


def test_a_design(instance: Instance, nowhere: Path) -> None:
    instance.cli("link", "create", TARGET, "--code", "designed")
    (nowhere / "qr").write_text("something longer" * 10_000)
    assert instance.cli("link", "qr", "designed", "qr", "--format", "svg", *OPTIONS).exit_code == 0
    assert (nowhere / "qr").read_bytes() == picture(instance, "designed", "svg", **DESIGN)


def test_standard_output(instance: Instance) -> None:
    instance.cli("link", "create", TARGET, "--code", "piped")
    assert instance.cli("link", "qr", "piped", "-").stdout_bytes == picture(instance, "piped", "svg")
    result = instance.cli("link", "qr", "piped", "-", "--format", "png")
    assert (result.stdout_bytes, result.stderr) == (picture(instance, "piped", "png"), "")


def test_on_a_domain(instance: Instance, nowhere: Path) -> None:
    on = ("--domain", "qr.cli.example")
    instance.cli("domain", "create", "qr.cli.example")
    instance.cli("link", "create", TARGET, "--code", "here", *on)
    assert instance.cli("link", "qr", "here", "a.png", *on).exit_code == 0
    assert (nowhere / "a.png").read_bytes() == picture(instance, "here", "png", domain="qr.cli.example")


def test_a_logo(monkeypatch: pytest.MonkeyPatch, nowhere: Path) -> None:
    run("link", "create", TARGET, "--code", "plain")
    run("link", "qr", "plain", "logo.png")
    monkeypatch.setenv("SHORTENER_QR_LOGO", "logo.png")
    assert run("link", "qr", "plain", "with.svg", "--logo").exit_code == 0
    assert b"data:image/png;base64," in (nowhere / "with.svg").read_bytes()


REFUSED = {
    "nothing": (("nobodys", "a.svg"), 3, "There is no link called 'nobodys'."),
    "another kind of file": (("square", "a.gif"), 2, "a.gif: a QR code is svg or png; say so by --format"),
    "no kind of file": (("square", "a"), 2, "a: a QR code is svg or png; say so by --format"),
    "another format": (("square", "a.svg", "--format", "gif"), 2, "gif: a QR code is svg or png"),
    "no colour": (("square", "a.svg", "--dark", "blue"), 2, "--dark: "),
    "no contrast": (("square", "a.svg", "--dark", "#eeeeee"), 2, "--dark: The contrast between"),
    "too small": (("square", "a.svg", "--size", "10"), 2, "--size: "),
    "a wide margin": (("square", "a.svg", "--margin", "99"), 2, "--margin: "),
    "another correction": (("square", "a.svg", "--ecc", "X"), 2, "--ecc: "),
    "no logo": (("square", "a.svg", "--logo"), 2, "--logo: This instance has no logo"),
    "no folder": (("square", "no/a.svg"), 1, "no/a.svg cannot be written: No such file or directory"),
    "a NUL": (("square", "a\0.svg"), 1, "a\0.svg cannot be written: embedded null byte"),
}


@pytest.mark.parametrize(("arguments", "exit_code", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_refusals(
    instance: Instance, nowhere: Path, arguments: tuple[str, ...], exit_code: int, message: str
) -> None:
    instance.cli("link", "create", TARGET, "--code", "square")  # on the shared server it is there from the second on
    result = instance.cli("link", "qr", *arguments)
    assert (result.exit_code, result.stdout) == (exit_code, "")
    assert result.stderr.startswith(f"shortener: {message}")
    assert result.stderr.count("\n") == 1
    assert not (nowhere / "a.svg").exists()
