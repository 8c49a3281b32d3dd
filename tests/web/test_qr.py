"""QR codes through the whole application, read back by a decoder that is not ours."""

import base64
import io
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import httpx2
import pytest
import zxingcpp
from PIL import Image, ImageDraw
from starlette.testclient import TestClient

from shortener import errors
from shortener.app import create_app
from shortener.domain import qr
from shortener.services import qr as service
from shortener.services.qr import Kind, Logo
from shortener.settings import Settings
from tests.conftest import ADMIN_KEY, ENGINES
from tests.web.refusals import Wrong, assert_problem, assert_refused, instance_on
from tests.web.waiting import drained

on_sqlite = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
on_both = pytest.mark.parametrize("engine", ENGINES, indirect=True)
every_kind = pytest.mark.parametrize("kind", Kind)

SVG = "{http://www.w3.org/2000/svg}"
SVG_LOGO = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 2 1"><path fill="#c00" d="M0 0h2v1h-2z"/></svg>'
#: Pixels of a module in pictures that tests draw.
SCALE = 8


def png_logo(width: int = 300, height: int = 200, color: str = "#cc0000") -> bytes:
    file = io.BytesIO()
    Image.new("RGBA", (width, height), color).save(file, "png")
    return file.getvalue()


def rasterised(drawing: bytes) -> Image.Image:
    """A picture of an SVG, on white, by the few things that ours are made of."""
    root = ElementTree.fromstring(drawing)
    assert (root.tag, root.get("role")) == (f"{SVG}svg", "img")
    left, top, width, height = (float(number) for number in (root.get("viewBox") or "").split())
    assert (left, top, width) == (0, 0, height)
    image = Image.new("RGB", (int(width) * SCALE, int(height) * SCALE), "white")
    for element in root.iter():
        if element.tag == f"{SVG}path":
            draw_path(ImageDraw.Draw(image), element)
        elif element.tag == f"{SVG}image":
            draw_image(image, element)
        else:
            assert element.tag in {f"{SVG}svg", f"{SVG}title"}, element.tag
    return image


def draw_path(canvas: ImageDraw.ImageDraw, path: ElementTree.Element) -> None:
    """Draws rows of modules (stroked lines, one wide) and rectangles (filled)."""
    x = y = 0.0
    start = (x, y)
    for command, values in re.findall(r"([a-zA-Z])([^a-zA-Z]*)", path.get("d") or ""):
        numbers = [float(number) for number in re.findall(r"-?[\d.]+", values)]
        match command:
            case "M" | "m":
                x, y = (numbers[0], numbers[1]) if command == "M" else (x + numbers[0], y + numbers[1])
                start = (x, y)
            case "h" if path.get("stroke"):
                box(canvas, x, y - 0.5, x + numbers[0], y + 0.5, path.get("stroke"))
                x += numbers[0]
            case "h":
                x += numbers[0]
            case "v":
                y += numbers[0]
                box(canvas, *start, x, y, path.get("fill"))
            case _:
                assert command == "z"


def box(canvas: ImageDraw.ImageDraw, left: float, top: float, right: float, bottom: float, color: str | None) -> None:
    edges = [round(edge * SCALE) for edge in (left, top, right, bottom)]
    canvas.rectangle((edges[0], edges[1], edges[2] - 1, edges[3] - 1), color)


def draw_image(image: Image.Image, element: ElementTree.Element) -> None:
    head, _, data = (element.get("href") or "").partition(",")
    x, y, width, height = (float(element.get(name) or 0) for name in ("x", "y", "width", "height"))
    assert width == height
    size = round(width * SCALE)
    if head == "data:image/png;base64":
        with Image.open(io.BytesIO(base64.b64decode(data))) as logo:
            image.paste(logo.convert("RGB").resize((size, size)), (round(x * SCALE), round(y * SCALE)))
    else:
        assert (head, base64.b64decode(data)) == ("data:image/svg+xml;base64", SVG_LOGO)
        ImageDraw.Draw(image).rectangle((x * SCALE, y * SCALE, x * SCALE + size, y * SCALE + size), "#c00")


def picture(response: httpx2.Response) -> Image.Image:
    """What an answer looks like on white paper."""
    assert response.status_code == 200, response.text
    if response.headers["content-type"] == "image/svg+xml":
        return rasterised(response.content)
    assert response.headers["content-type"] == "image/png"
    image = Image.open(io.BytesIO(response.content)).convert("RGBA")
    paper = Image.new("RGBA", image.size, "white")
    paper.alpha_composite(image)
    return paper.convert("RGB")


def read(response: httpx2.Response) -> str:
    """What a scanner reads from an answer."""
    found = zxingcpp.read_barcodes(picture(response))
    assert [barcode.format for barcode in found] == [zxingcpp.BarcodeFormat.QRCode]
    return str(found[0].text)


def make(client: TestClient, code: str = "x", **fields: Any) -> None:
    """Makes a link, or gives it these fields if it is there."""
    made = client.put(f"/api/v1/links/{code}", json={"target": "https://example.com/", **fields})
    assert made.status_code in {200, 201}, made.text


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[TestClient]:
    """A client of an instance for all that changes no link."""
    with instance_on("sqlite", tmp_path_factory.mktemp("qr"), request) as instance:
        make(instance.client)
        yield instance.client


@pytest.fixture(scope="module")
def branded(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[TestClient]:
    """The same with a logo, whose file is gone: it is read once."""
    folder = tmp_path_factory.mktemp("logo")
    path = folder / "logo"
    path.write_bytes(png_logo())
    with instance_on("sqlite", folder, request, qr_logo=path) as instance:
        path.unlink()
        make(instance.client)
        yield instance.client


@pytest.fixture
def with_logo(shared: TestClient) -> Iterator[Callable[[bytes], TestClient]]:
    """Gives the instance another logo for a while."""
    parts = shared.app.state.parts  # type: ignore[attr-defined]

    def give(data: bytes) -> TestClient:
        parts.logo = Logo(Kind.SVG if data == SVG_LOGO else Kind.PNG, data)
        return shared

    yield give
    parts.logo = None


DESIGNS = [
    pytest.param({}, id="plain"),
    pytest.param({"size": 100}, id="small"),
    pytest.param({"size": 2048}, id="largest"),
    pytest.param({"size": 511}, id="odd-size"),
    pytest.param({"margin": 0, "size": 37 * 8}, id="no-margin"),
    pytest.param({"margin": 16}, id="widest-margin"),
    pytest.param({"dark": "003366", "light": "ffffcc"}, id="colours"),
    pytest.param({"dark": "#8b0000"}, id="a-hash"),
    pytest.param({"light": "transparent"}, id="transparent"),
    pytest.param({"dark": "767676"}, id="little-contrast"),
    *(pytest.param({"ecc": ecc}, id=f"ecc-{ecc}") for ecc in "LMQH"),
]


class TestReading:
    @every_kind
    @pytest.mark.parametrize("design", DESIGNS)
    def test_designs(self, shared: TestClient, kind: Kind, design: dict[str, Any]) -> None:
        assert read(shared.get(f"/x.{kind}", params=design)) == "https://go.example/x?qr"

    @every_kind
    @pytest.mark.parametrize(
        "code",
        [
            pytest.param("a", id="one-character"),
            pytest.param("AbC-d_9", id="case"),
            pytest.param("grüße", id="letters"),
            pytest.param("販売", id="script"),
            pytest.param("c" * 128, id="longest"),
        ],
    )
    def test_codes(self, shared: TestClient, kind: Kind, code: str) -> None:
        make(shared, code)
        link = shared.get(f"/api/v1/links/{code}").json()
        for path in (f"/{code}.{kind}", f"/api/v1/links/{code}/qr.{kind}"):
            assert read(shared.get(path)) == f"{link['short_url']}?qr"

    @every_kind
    @pytest.mark.parametrize(
        "design",
        [pytest.param({}, id="plain"), {"light": "transparent"}, {"dark": "003366"}, {"size": 2048}],
        ids=str,
    )
    @pytest.mark.parametrize("code", ["x", "c" * 60])
    def test_with_a_logo(self, branded: TestClient, kind: Kind, design: dict[str, Any], code: str) -> None:
        make(branded, code)
        drawn = branded.get(f"/{code}.{kind}", params={"logo": True, **design})
        assert read(drawn) == f"https://go.example/{code}?qr"
        image = picture(drawn)
        assert image.getpixel((image.width // 2, image.height // 2)) == (0xCC, 0, 0)

    def test_with_an_svg_as_logo(self, with_logo: Callable[[bytes], TestClient]) -> None:
        branded = with_logo(SVG_LOGO)
        assert read(branded.get("/x.svg", params={"logo": True})) == "https://go.example/x?qr"
        refused = branded.get("/x.png", params={"logo": True})
        assert_refused(refused, Wrong("logo", "qr-invalid"))
        assert "SVG" in refused.json()["detail"]

    def test_a_code_that_is_a_scan_leads_on(self, shared: TestClient) -> None:
        answer = shared.get(read(shared.get("/x.png")))
        assert (answer.status_code, answer.headers["location"]) == (302, "https://example.com/")

    def test_an_alias_has_a_code_of_its_own(self, shared: TestClient) -> None:
        shared.post("/api/v1/links/x/aliases", json={"code": "other"}).raise_for_status()
        for path in ("/other.png", "/api/v1/links/other/qr.png"):
            assert read(shared.get(path)) == "https://go.example/other?qr"

    def test_a_domain_has_codes_of_its_own(self, shared: TestClient) -> None:
        """Short URLs name the domain that was asked; links of the default one answer there too."""
        shared.post("/api/v1/domains", json={"name": "b.example"}).raise_for_status()
        there, body = {"domain": "b.example"}, {"target": "https://example.com/"}
        assert shared.put("/api/v1/links/d", params=there, json=body).status_code == 201
        for path in ("/d.png", "/api/v1/links/d/qr.png"):
            assert shared.get(path).status_code == 404
        assert read(shared.get("/api/v1/links/d/qr.png", params=there)) == "https://b.example/d?qr"
        for code in ("d", "x"):
            asked = shared.get(f"/{code}.png", headers={"host": "b.example"})
            assert read(asked) == f"https://b.example/{code}?qr"


class TestPictures:
    @pytest.mark.parametrize("size", [64, 100, 511, 512, 2048])
    @pytest.mark.parametrize("margin", [0, 4, 16])
    def test_a_png_has_the_size_asked_for_and_crisp_modules(self, shared: TestClient, size: int, margin: int) -> None:
        drawn = shared.get("/x.png", params={"size": size, "margin": margin})
        image = picture(drawn).convert("L")
        assert image.size == (size, size)
        left, top, right, bottom = image.point(lambda level: 255 - level).getbbox() or (0, 0, 0, 0)
        # Version 2 has 25 modules; all are the same whole number of pixels wide, and the rest is around them.
        pixels, rest = divmod(right - left, 25)
        assert (rest, bottom - top) == (0, right - left)
        assert pixels == size // (25 + 2 * margin)
        assert abs(left - (size - right)) <= 1
        assert left >= margin * pixels
        for x in range(left, right):
            for y in range(top, bottom, pixels):
                assert image.getpixel((x, y)) == image.getpixel((left + (x - left) // pixels * pixels, y))

    def test_a_png_has_no_other_colours(self, shared: TestClient) -> None:
        drawn = shared.get("/x.png", params={"dark": "003366", "light": "ffffcc"})
        assert {color for _, color in picture(drawn).getcolors() or ()} == {(0, 0x33, 0x66), (255, 255, 0xCC)}

    def test_transparent_is_transparent(self, shared: TestClient) -> None:
        drawn = shared.get("/x.png", params={"light": "transparent"})
        alpha = Image.open(io.BytesIO(drawn.content)).convert("RGBA").getchannel("A")
        assert {level for _, level in alpha.getcolors() or ()} == {0, 255}
        svg = shared.get("/x.svg", params={"light": "transparent"}).text
        assert "fill=" not in svg

    def test_an_svg_says_its_size_and_what_it_is(self, shared: TestClient) -> None:
        make(shared, "grüße")
        root = ElementTree.fromstring(shared.get("/grüße.svg", params={"size": 300}).content)
        assert (root.get("width"), root.get("height")) == ("300", "300")
        title = root.find(f"{SVG}title")
        assert title is not None
        assert title.text == "QR code of https://go.example/gr%C3%BC%C3%9Fe"

    def test_a_logo_covers_a_fifth_and_keeps_its_shape(self, branded: TestClient) -> None:
        image = picture(branded.get("/x.png", params={"logo": True, "size": 1024}))
        red = [x for x in range(1024) if image.getpixel((x, 512)) == (0xCC, 0, 0)]
        tall = [y for y in range(1024) if image.getpixel((512, y)) == (0xCC, 0, 0)]
        # Version 3, which the error correction H needs here, has 29 modules.
        modules = 1024 // (29 + 8) * 29
        assert 0.19 * modules < len(red) <= 0.2 * modules
        assert len(tall) / len(red) == pytest.approx(200 / 300, abs=0.02)
        # Around it there is something light.
        assert image.getpixel((red[0] - 2, 512)) == image.getpixel((red[-1] + 2, 512)) == (255, 255, 255)


WRONG = [
    pytest.param({"size": 63}, Wrong("size", "greater-than-equal"), id="too-small"),
    pytest.param({"size": 2049}, Wrong("size", "less-than-equal"), id="too-large"),
    pytest.param({"size": "big"}, Wrong("size", "int-parsing"), id="no-number"),
    pytest.param({"size": "1e3"}, Wrong("size", "int-parsing"), id="exponent"),
    pytest.param({"margin": -1}, Wrong("margin", "greater-than-equal"), id="negative-margin"),
    pytest.param({"margin": 17}, Wrong("margin", "less-than-equal"), id="wide-margin"),
    pytest.param({"margin": "4px"}, Wrong("margin", "int-parsing"), id="unit"),
    pytest.param({"dark": "black"}, Wrong("dark", "color-invalid"), id="colour-name"),
    pytest.param({"dark": ""}, Wrong("dark", "color-invalid"), id="no-colour"),
    pytest.param({"dark": "0" * 33}, Wrong("dark", "string-too-long"), id="long-colour"),
    pytest.param({"light": "#ffff"}, Wrong("light", "color-invalid"), id="four-digits"),
    pytest.param({"light": "url(#a)"}, Wrong("light", "color-invalid"), id="reference"),
    pytest.param({"light": "000000"}, Wrong("dark", "qr-invalid"), id="black-on-black"),
    pytest.param({"dark": "ffffff", "light": "000000"}, Wrong("dark", "qr-invalid"), id="inverted"),
    pytest.param({"dark": "eeeeee"}, Wrong("dark", "qr-invalid"), id="pale"),
    pytest.param({"ecc": "X"}, Wrong("ecc", "enum"), id="unknown-ecc"),
    pytest.param({"ecc": "m"}, Wrong("ecc", "enum"), id="small-ecc"),
    pytest.param({"ecc": "L", "logo": True}, Wrong("ecc", "qr-invalid"), id="logo-with-l"),
    pytest.param({"logo": "maybe"}, Wrong("logo", "bool-parsing"), id="logo-maybe"),
    pytest.param({"logo": True}, Wrong("logo", "qr-invalid"), id="no-logo-here"),
]


class TestRefusing:
    @every_kind
    @pytest.mark.parametrize(("wishes", "wrong"), WRONG)
    def test_bad_wishes(self, shared: TestClient, kind: Kind, wishes: dict[str, Any], wrong: Wrong) -> None:
        for path in (f"/x.{kind}", f"/api/v1/links/x/qr.{kind}"):
            assert_refused(shared.get(path, params=wishes), wrong)

    def test_a_png_that_is_too_small_for_its_modules(self, shared: TestClient) -> None:
        make(shared, "c" * 128)
        wishes = {"size": 64, "margin": 16}
        refused = shared.get(f"/{'c' * 128}.png", params=wishes)
        assert_refused(refused, Wrong("size", "qr-invalid"))
        least = re.findall(r"of (\d+) or more", refused.json()["detail"])[0]
        assert shared.get(f"/{'c' * 128}.png", params={**wishes, "size": least}).status_code == 200
        # An SVG is drawn by whoever shows it.
        assert shared.get(f"/{'c' * 128}.svg", params=wishes).status_code == 200

    @every_kind
    def test_more_than_a_code_can_hold(self, shared: TestClient, kind: Kind) -> None:
        long = "𠮷" * 128  # twelve characters each in an address
        make(shared, long)
        assert shared.get(f"/{long}.{kind}", params={"ecc": "L"}).status_code == 200
        assert_refused(shared.get(f"/{long}.{kind}", params={"ecc": "H"}), Wrong("ecc", "qr-invalid"))

    @every_kind
    @pytest.mark.parametrize("code", ["nobodys", "x.y", "robots", "api", "", "%00", "x%2Fy", "c" * 200])
    def test_unknown_codes(self, shared: TestClient, kind: Kind, code: str) -> None:
        document = shared.get(f"/{code}.{kind}").json()
        assert (document["status"], document["code"]) in {(404, "link-not-found"), (404, "not-found")}

    @every_kind
    def test_unknown_codes_in_the_api(self, shared: TestClient, kind: Kind) -> None:
        assert_problem(shared.get(f"/api/v1/links/nobodys/qr.{kind}"), "link-not-found")

    @every_kind
    def test_browsers_get_a_page(self, shared: TestClient, kind: Kind) -> None:
        answer = shared.get(f"/nobodys.{kind}", headers={"accept": "text/html"})
        assert (answer.status_code, answer.headers["content-type"]) == (404, "text/html; charset=utf-8")


@on_both
class TestStates:
    @pytest.mark.parametrize(
        ("fields", "status"),
        [
            pytest.param({}, 200, id="live"),
            pytest.param({"enabled": False}, 410, id="disabled"),
            pytest.param({"expires_at": "2020-01-01T00:00:00Z"}, 410, id="expired"),
            pytest.param(
                {"expires_at": "2020-01-01T00:00:00Z", "expired_target": "https://example.com/"}, 410, id="fallback"
            ),
            pytest.param({"valid_from": "2100-01-01T00:00:00Z"}, 404, id="not-yet"),
            pytest.param({"password": "correct horse"}, 200, id="with-a-password"),
            pytest.param({"max_clicks": 1}, 200, id="with-a-limit"),
        ],
    )
    def test_visitors_see_what_leads_somewhere_and_owners_all(
        self, client: TestClient, fields: dict[str, Any], status: int
    ) -> None:
        make(client, **fields)
        for kind in Kind:
            answer = client.get(f"/x.{kind}")
            assert answer.status_code == status
            if status != 200:
                assert_problem(answer, {404: "link-not-found", 410: "link-gone"}[status])
            assert read(client.get(f"/api/v1/links/x/qr.{kind}")) == "https://go.example/x?qr"

    def test_an_edit_is_seen_at_once(self, client: TestClient) -> None:
        make(client)
        assert client.get("/x.png").status_code == 200
        client.patch("/api/v1/links/x", json={"enabled": False}).raise_for_status()
        assert client.get("/x.png").status_code == 410

    def test_asking_for_one_is_no_click(self, client: TestClient) -> None:
        make(client, max_clicks=1)
        for path in ("/x.png", "/x.svg", "/nobodys.png", "/api/v1/links/x/qr.svg"):
            client.get(path)
            client.head(path)
        drained(client)
        assert client.get("/api/v1/links/x").json()["clicks"] == 0
        assert client.get("/api/v1/orphans").json()["data"] == []
        assert client.get("/x").status_code == 302


class TestCaching:
    @every_kind
    def test_headers(self, shared: TestClient, kind: Kind) -> None:
        for path, kept in (
            (f"/x.{kind}", "public, max-age=300"),
            (f"/api/v1/links/x/qr.{kind}", "private, no-store"),
        ):
            headers = shared.get(path).headers
            assert headers["cache-control"] == kept
            assert headers["x-content-type-options"] == "nosniff"
            policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:" if kind is Kind.SVG else None
            assert headers.get("content-security-policy") == policy

    @every_kind
    def test_a_known_picture_is_not_sent_again(self, shared: TestClient, kind: Kind) -> None:
        for path in (f"/x.{kind}", f"/api/v1/links/x/qr.{kind}"):
            first = shared.get(path)
            tag = first.headers["etag"]
            assert re.fullmatch('"[0-9a-f]{32}"', tag)
            for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
                again = shared.get(path, headers={"if-none-match": known})
                assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
                assert again.headers["cache-control"] == first.headers["cache-control"]
            for other in ('"other"', tag.strip('"'), ""):
                assert shared.get(path, headers={"if-none-match": other}).content == first.content

    def test_whatever_changes_the_picture_changes_its_tag(self, shared: TestClient, branded: TestClient) -> None:
        make(shared, "y")
        asked = [
            shared.get(f"/{code}.{kind}", params=design)
            for code in ("x", "y")
            for kind in Kind
            for design in (
                {},
                {"size": 300},
                {"margin": 2},
                {"dark": "003366"},
                {"light": "ffffcc"},
                {"light": "transparent"},
                {"ecc": "H"},
            )
        ]
        asked += [branded.get(f"/x.{kind}", params={"logo": True}) for kind in Kind]
        assert len({answer.headers["etag"] for answer in asked}) == len(asked)
        assert len({answer.content for answer in asked}) == len(asked)

    def test_spellings_of_a_design_have_one_tag(self, shared: TestClient) -> None:
        tags = {
            shared.get("/x.png", params=design).headers["etag"]
            for design in (
                {},
                {"size": 512},
                {"dark": "000000"},
                {"dark": "#000000"},
                {"light": "FFFFFF"},
                {"ecc": "M"},
            )
        }
        assert len(tags) == 1

    @every_kind
    def test_head_says_what_get_does(self, shared: TestClient, kind: Kind) -> None:
        for path in (f"/x.{kind}", f"/api/v1/links/x/qr.{kind}", f"/nobodys.{kind}", f"/x.{kind}?size=1"):
            got, head = shared.get(path), shared.head(path)
            assert head.status_code == got.status_code
            assert dict(head.headers) == dict(got.headers)
            assert got.status_code != 200 or head.content == b""

    @pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
    def test_other_methods_draw_nothing(self, shared: TestClient, method: str) -> None:
        assert shared.request(method, "/x.svg").status_code in {404, 405}


@on_sqlite
class TestLogos:
    @pytest.mark.parametrize(
        ("data", "says"),
        [
            pytest.param(b"", "neither a PNG nor an SVG", id="empty"),
            pytest.param(b"GIF89a", "neither a PNG nor an SVG", id="other-format"),
            pytest.param(png_logo()[:100], "neither a PNG nor an SVG", id="cut-png"),
            pytest.param(b"\x89PNG\r\n\x1a\n", "neither a PNG nor an SVG", id="signature-alone"),
            pytest.param(SVG_LOGO[:-3], "neither a PNG nor an SVG", id="cut-svg"),
            pytest.param(b"<svg/>", "neither a PNG nor an SVG", id="svg-without-namespace"),
            pytest.param(b"<html xmlns='http://www.w3.org/1999/xhtml'/>", "neither a PNG nor an SVG", id="html"),
            pytest.param(SVG_LOGO + b" " * service.MAX_LOGO_BYTES, "larger than 262144 bytes", id="too-large"),
        ],
    )
    def test_unusable_files_end_the_start(self, settings: Settings, tmp_path: Path, data: bytes, says: str) -> None:
        path = tmp_path / "logo.png"
        path.write_bytes(data)
        with pytest.raises(errors.StartFailed, match=re.escape(f"SHORTENER_QR_LOGO: {path}: {says}")):
            create_app(settings.model_copy(update={"qr_logo": path}))

    def test_missing_files_end_the_start(self, settings: Settings, tmp_path: Path) -> None:
        with pytest.raises(errors.StartFailed, match=r"SHORTENER_QR_LOGO: .*nowhere\.png: No such file"):
            create_app(settings.model_copy(update={"qr_logo": tmp_path / "nowhere.png"}))
        with pytest.raises(errors.StartFailed, match=r"SHORTENER_QR_LOGO: .*: Is a directory"):
            create_app(settings.model_copy(update={"qr_logo": tmp_path}))


@pytest.mark.parametrize(
    "logo",
    [
        pytest.param(png_logo(1, 1), id="one-pixel"),
        pytest.param(png_logo(1, 500), id="narrow"),
        pytest.param(png_logo(2000, 3), id="flat"),
        pytest.param(png_logo(color="#cc000080"), id="half-transparent"),
    ],
)
@every_kind
def test_logos_of_any_shape(with_logo: Callable[[bytes], TestClient], kind: Kind, logo: bytes) -> None:
    assert read(with_logo(logo).get(f"/x.{kind}", params={"logo": True})) == "https://go.example/x?qr"


@on_sqlite
def test_the_key_is_needed_in_the_api_alone(client: TestClient) -> None:
    make(client)
    del client.headers["authorization"]
    assert client.get("/x.svg").status_code == 200
    assert_problem(client.get("/api/v1/links/x/qr.svg"), "key-missing")
    assert client.get("/api/v1/links/x/qr.svg", headers={"x-api-key": ADMIN_KEY}).status_code == 200


def test_the_decoder_sees_what_is_wrong() -> None:
    """The tests above can fail: one module of a finder pattern less, and nothing is read."""
    drawn = service.draw(Kind.PNG, "https://go.example/x", qr.Design(), None)
    image = Image.open(io.BytesIO(drawn)).convert("RGB")
    assert zxingcpp.read_barcodes(image)
    ImageDraw.Draw(image).rectangle((0, 0, 200, 200), "white")
    assert not zxingcpp.read_barcodes(image)
