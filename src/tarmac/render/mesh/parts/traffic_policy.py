"""How proxies treat the endpoints of a service: mutual TLS, limits, and when one is left out."""

from __future__ import annotations

from typing import Any

#: Of one proxy to one service: as many as a client of the kit opens (tarmac_kit.transport).
CONNECTIONS = 256
#: Answers of 5xx in a row after which an endpoint gets no requests.
FAILURES = 5
#: So long the first time, twice as long the second time, and so on.
EJECTED_FOR = "30s"
#: Of the endpoints, at most: of two one is left, and of one none is taken away.
EJECTED_PERCENT = 50


def traffic_policy() -> dict[str, Any]:
    """Write what a caller's proxy does: the same for every service and caller.

    It tries nothing twice: clients have their own retries, within a budget.
    """
    return {
        "tls": {"mode": "ISTIO_MUTUAL"},
        "connectionPool": {
            "tcp": {"maxConnections": CONNECTIONS, "connectTimeout": "1s"},
            "http": {
                "http1MaxPendingRequests": CONNECTIONS,
                "http2MaxRequests": CONNECTIONS,
            },
        },
        "outlierDetection": {
            "consecutive5xxErrors": FAILURES,
            "interval": "10s",
            "baseEjectionTime": EJECTED_FOR,
            "maxEjectionPercent": EJECTED_PERCENT,
        },
    }
