"""The gateway: wires routes, backends and rules around the kit's app."""

from __future__ import annotations

from tarmac_gateway.domain import parse_routes
from tarmac_gateway.edge import Edge, Rules
from tarmac_gateway.endpoints import make_pages
from tarmac_gateway.openapi import ApiDocument
from tarmac_gateway.proxy import Proxy
from tarmac_gateway.settings import GatewaySettings, read_backends
from tarmac_gateway.streams import Streams
from tarmac_gateway.upstream import make_backends
from tarmac_kit import Chassis, Part
from tarmac_kit.ratelimit import RateLimiter

#: Token buckets kept; the ones used longest ago are forgotten first, which fills them again.
MAX_CLIENTS = 50_000


def mount(chassis: Chassis) -> None:
    settings = chassis.read(GatewaySettings)
    chassis.limits.leave_to_part()  # bodies are streamed, and a rate is a token's subject's
    chassis.is_public = True
    chassis.accept("*/*")  # its backends decide on their bodies
    chassis.cross_origin.allowed.update(settings.origins)
    chassis.verifier()  # now, so that a missing JWKS_URL is said at start
    try:
        table = parse_routes(settings.routes, settings.public_routes)
    except ValueError as error:
        name = chassis.settings.service_name
        chassis.missing.extend(f"{name}: {line}" for line in str(error).splitlines())
        return
    addresses = read_backends(chassis, table)
    for address in addresses.values():
        chassis.metrics.will_call(address.service)
    backends = make_backends(addresses, max_age_s=settings.connection_max_age_s)
    limiter = (
        RateLimiter(
            per_minute=settings.rate_limit_per_minute,
            burst=settings.rate_limit_burst,
            max_keys=MAX_CLIENTS,
        )
        if settings.rate_limit_per_minute
        else None
    )
    rules = Rules(table=table, settings=settings, verifier=chassis.verifier, limiter=limiter)
    proxy = Proxy(
        backends,
        max_body_bytes=settings.max_body_bytes,
        body_idle_timeout_s=settings.body_idle_timeout_s,
        streams=Streams(most=settings.max_streams, draining=lambda: chassis.health.draining),
        count=chassis.metrics.call,
        count_retry=chassis.metrics.retry,
    )

    async def close() -> None:
        for backend in backends.values():
            await backend.close()

    documents = ApiDocument(table, backends, settings.api_title)
    pages = make_pages(documents, public_url=settings.public_url)
    chassis.wrap(lambda inner: Edge(inner, proxy, rules, pages=pages))
    chassis.on_stop(close)


PART = Part(name="gateway", mount=mount)
