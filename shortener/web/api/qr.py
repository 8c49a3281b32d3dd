"""/api/v1/links/{code}/qr.svg and qr.png: QR codes for the owners of links, also of links that lead nowhere now."""

from collections.abc import Callable

from starlette.responses import Response

from shortener.domain import code as codes
from shortener.domain.host import short_url
from shortener.services import links as service
from shortener.services.qr import Kind
from shortener.web import qr
from shortener.web.api.route import make_router
from shortener.web.deps import DomainName, LinksReader, PartsDep

router = make_router("links", "/links")


def _drawing(kind: Kind) -> Callable[..., Response]:
    def draw(
        code: str,
        parts: PartsDep,
        _principal: LinksReader,
        design: qr.DesignDep,
        logo: qr.LogoDep,
        known: qr.KnownTags,
        domain: DomainName = "",
    ) -> Response:
        """The QR code of a link, also of one that is disabled, over or not yet valid.

        It says the short URL with `?qr`, by which scans are told from other clicks; asked for by an alias, that of
        the alias.
        """
        link = service.get(parts.database, code, domain)
        url = short_url(parts.settings.public_url, link.domain, codes.normal_form(code) or link.code)
        return qr.respond(kind, url, design, logo, known, head=False)

    return draw


for _kind in Kind:
    router.add_api_route(
        f"/{{code}}/qr.{_kind}",
        _drawing(_kind),
        methods=["GET"],
        name=f"qr_{_kind}",
        summary=f"QR code of a link as {_kind.upper()}",
        response_class=Response,
        responses=qr.responses(_kind),
    )
