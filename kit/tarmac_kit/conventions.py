"""The variables, paths and headers that a service and whoever runs it agree on.

Read by every module of the kit. Tarmac's plan holds the same names; it is never imported here.
"""

from __future__ import annotations

SERVICE_NAME = "SERVICE_NAME"
HOST = "HOST"
PORT = "PORT"
PARTS = "PARTS"
LOG_LEVEL = "LOG_LEVEL"
LOG_FORMAT = "LOG_FORMAT"
BROKER_URL = "BROKER_URL"
PUBLISHES = "PUBLISHES"
CONSUMES = "CONSUMES"
JWKS_URL = "JWKS_URL"
JWT_ISSUER = "JWT_ISSUER"
JWT_AUDIENCE = "JWT_AUDIENCE"
#: Where spans are sent, and a whole address of its own for them; nowhere without one of the two.
SPANS_TO = "OTEL_EXPORTER_OTLP_ENDPOINT"
TRACES_TO = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"

HEALTH_PATH = "/health"
LIVE_PATH = "/health/live"
READY_PATH = "/health/ready"
METRICS_PATH = "/metrics"

DEADLINE_HEADER = "X-Request-Timeout-Ms"
IDEMPOTENCY_HEADER = "Idempotency-Key"
REPLAYED_HEADER = "Idempotency-Replayed"

REQUESTS_METRIC = "http_requests_total"
DURATION_METRIC = "http_request_duration_seconds"


def env_prefix(name: str) -> str:
    """Return the prefix of a role's variables: `order-service` gives `ORDER_SERVICE`."""
    return name.upper().replace("-", "_").replace(".", "_")
