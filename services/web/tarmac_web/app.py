"""The pages: wires settings, the API and templates."""

from __future__ import annotations

from typing import Any

from tarmac_kit import Chassis, Client, Part
from tarmac_kit.breaker import Breaker
from tarmac_web import assets, carts, edge, failures, money
from tarmac_web.api import Api
from tarmac_web.endpoints import build_router
from tarmac_web.live import Streams
from tarmac_web.refresh import Refresher
from tarmac_web.render import Pages
from tarmac_web.session import Seal
from tarmac_web.settings import WebSettings
from tarmac_web.visit import Site


def mount(chassis: Chassis) -> None:
    settings = chassis.read(WebSettings)
    chassis.is_public = True
    chassis.accept("*/*")  # forms, and reports of errors: their routes check the type
    if settings.routes:
        clients = [
            (prefix, _client(chassis, prefix.strip("/"), url, settings.api_timeout_s))
            for prefix, url in settings.routes
        ]
    else:
        chassis.client("api")  # says what is missing
        clients = [("/", _client(chassis, "api", settings.api_url, settings.api_timeout_s))]
    if chassis.missing:
        return
    api = Api(clients, settings.prefix)
    site = Site(
        settings=settings,
        api=api,
        pages=Pages(assets.load(), _shown(settings)),
        refresher=Refresher(api, Seal(settings.session_secrets, "refresh"), chassis.redis()),
        session_seal=Seal(settings.session_secrets, "session"),
        cart_seal=Seal(settings.session_secrets, "cart"),
        note_seal=Seal(settings.session_secrets, "note"),
        basket_seal=Seal(settings.session_secrets, "basket"),
        device_seal=Seal(settings.session_secrets, "device"),
    )
    streams = Streams(site, chassis, settings.live_streams_max)
    chassis.include(build_router(site, streams, chassis.app.state.error_reporter))
    chassis.on_stop(streams.close)
    failures.install(chassis.app, site)
    chassis.wrap(edge.around(secure=settings.secure))


def _client(chassis: Chassis, role: str, url: str, timeout_s: float) -> Client:
    """Make a client that is counted like the chassis's own; what it waits for is the pages'."""
    breaker = Breaker()
    chassis.metrics.will_call(role)
    chassis.metrics.breaker(role, breaker)
    return Client(
        role,
        url,
        chassis.transport,
        timeout_s=timeout_s,
        breaker=breaker,
        count=chassis.metrics.call,
        count_retry=chassis.metrics.retry,
        caller_token=chassis.caller_tokens.for_url(url),
    )


def _shown(settings: WebSettings) -> dict[str, Any]:
    """Return what every template knows of the site."""
    return {
        "name": settings.site_name,
        "tagline": settings.tagline,
        "theme": settings.theme,
        "order_word": settings.order_word,
        "currency": settings.currency,
        "digits": money.digits(settings.currency),
        "unit": money.unit(settings.currency),
        "shop": "shop" in settings.pages,
        "trading": "trading" in settings.pages,
        "cart_count": carts.count,
    }


PART = Part(name="web", mount=mount)
