"""The limits of the public services in Istio's gateway: patches of its Envoy, for own hosts only.

The gateway may be shared. What is added to all of its requests limits nothing; the limits are those
of the virtual hosts, by the name that Istio gives them, `host:port`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tarmac.plan.ingress_limits import IngressLimits

TYPES = "type.googleapis.com/envoy.extensions.filters"
RATE_LIMIT = f"{TYPES}.http.local_ratelimit.v3.LocalRateLimit"
CONNECTIONS = "envoy.filters.network.http_connection_manager"
ROUTER = "envoy.filters.http.router"
#: Addresses that are counted at once, as in a service of the kit.
MAX_ADDRESSES = 20_000
#: Envoy wants a bucket for all addresses together as well; this one is never empty.
UNLIMITED = {"max_tokens": 1_000_000_000, "tokens_per_fill": 1_000_000_000, "fill_interval": "1s"}
#: The largest that a range can name.
MOST = 2**53 - 1


def patches(limits: IngressLimits, name: str, hosts: list[str]) -> Iterator[dict[str, Any]]:
    """Yield the patches: 413 by the length that a request names, 429 for each address.

    Args:
        name: of the filter; two of one name in a gateway would count each request twice.
        hosts: `host:port`.
    """
    if limits.per_second:
        yield _added(name)
    for host in hosts:
        if limits.per_second:
            own = {"typed_per_filter_config": {name: _rates(limits)}}
            yield _patch("VIRTUAL_HOST", host, "MERGE", own)
        if limits.body_bytes:
            yield _patch("HTTP_ROUTE", host, "INSERT_FIRST", _too_large(limits.body_bytes))


def _patch(where: str, host: str, operation: str, value: dict[str, Any]) -> dict[str, Any]:
    of_host = {"context": "GATEWAY", "routeConfiguration": {"vhost": {"name": host}}}
    return {
        "applyTo": where,
        "match": of_host,
        "patch": {"operation": operation, "value": value},
    }


def _added(name: str) -> dict[str, Any]:
    before = {"filterChain": {"filter": {"name": CONNECTIONS, "subFilter": {"name": ROUTER}}}}
    added = {"name": name, "typed_config": {"@type": RATE_LIMIT, "stat_prefix": name}}
    return {
        "applyTo": "HTTP_FILTER",
        "match": {"context": "GATEWAY", "listener": before},
        "patch": {"operation": "INSERT_BEFORE", "value": added},
    }


def _rates(limits: IngressLimits) -> dict[str, Any]:
    always = {"default_value": {"numerator": 100}}
    retry = {
        "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
        "header": {"key": "retry-after", "value": "1"},
    }
    bucket = {
        "max_tokens": limits.burst,
        "tokens_per_fill": limits.per_second,
        "fill_interval": "1s",
    }
    return {
        "@type": RATE_LIMIT,
        "stat_prefix": "address",
        "filter_enabled": always,
        "filter_enforced": always,
        "response_headers_to_add": [retry],
        "token_bucket": UNLIMITED,
        "max_dynamic_descriptors": MAX_ADDRESSES,
        "rate_limits": [{"actions": [{"remote_address": {}}]}],
        "descriptors": [{"entries": [{"key": "remote_address"}], "token_bucket": bucket}],
    }


def _too_large(limit_bytes: int) -> dict[str, Any]:
    longer = {"name": "content-length", "range_match": {"start": limit_bytes + 1, "end": MOST}}
    return {
        "name": "body-too-large",
        "match": {"prefix": "/", "headers": [longer]},
        "direct_response": {"status": 413},
    }
