"""The variables, paths and headers that a service and its runner agree on.

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
DRAIN_DELAY_S = "DRAIN_DELAY_S"
SHUTDOWN_GRACE_S = "SHUTDOWN_GRACE_S"
POOL_MAX = "DATABASE_POOL_MAX"
#: A variable with it holds the path of a file that has the value, and may change.
FILE_SUFFIX = "_FILE"
TIMEOUT_SUFFIX = "_TIMEOUT_S"
RETRIES_SUFFIX = "_RETRIES"

#: Defaults where no variable says otherwise.
#: Longer than a busy client leaves a connection idle, short enough not to be noticed.
DRAIN_DELAY_DEFAULT_S = 0.2
SHUTDOWN_GRACE_DEFAULT_S = 8.0
POOL_MAX_DEFAULT = 10
TIMEOUT_DEFAULT_S = 2.0
RETRIES_DEFAULT = 1

#: Where spans are sent, and a whole address of its own for them; nowhere without one of the two.
SPANS_TO = "OTEL_EXPORTER_OTLP_ENDPOINT"
TRACES_TO = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"

HEALTH_PATH = "/health"
LIVE_PATH = "/health/live"
READY_PATH = "/health/ready"
METRICS_PATH = "/metrics"

#: Holds the caller token of the service that sends a request.
CALLER_HEADER = "X-Caller-Token"
DEADLINE_HEADER = "X-Request-Timeout-Ms"
IDEMPOTENCY_HEADER = "Idempotency-Key"
REPLAYED_HEADER = "Idempotency-Replayed"

REQUESTS_METRIC = "http_requests_total"
DURATION_METRIC = "http_request_duration_seconds"


def env_prefix(name: str) -> str:
    """Return the prefix of a role's variables: `order-service` gives `ORDER_SERVICE`."""
    return name.upper().replace("-", "_").replace(".", "_")
