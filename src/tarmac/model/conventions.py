"""The names that the plan gives and the kit reads; `tarmac_kit.conventions` says the same.

A test holds the two equal: the kit never imports Tarmac, and Tarmac never imports the kit.
"""

from __future__ import annotations

SERVICE_NAME = "SERVICE_NAME"
HOST = "HOST"
PORT = "PORT"
BROKER_URL = "BROKER_URL"
PUBLISHES = "PUBLISHES"
CONSUMES = "CONSUMES"
DRAIN_DELAY_S = "DRAIN_DELAY_S"
SHUTDOWN_GRACE_S = "SHUTDOWN_GRACE_S"
POOL_MAX = "DATABASE_POOL_MAX"
MAX_AGE = "DATABASE_CONNECTION_MAX_AGE_S"
#: Defaults of the kit where no variable says otherwise.
#: Longer than a busy client leaves a connection idle, short enough not to be noticed.
DRAIN_DELAY_DEFAULT_S = 0.2
SHUTDOWN_GRACE_DEFAULT_S = 8.0
POOL_MAX_DEFAULT = 10
MAX_AGE_DEFAULT_S = 300.0
TIMEOUT_DEFAULT_S = 2.0
RETRIES_DEFAULT = 1
#: What a process has open beside its pool: for what listens (a relay), and a health question while
#: the pool is all in use.
BESIDE_POOL = 2
SENTRY_DSN = "SENTRY_DSN"
SPANS_TO = "OTEL_EXPORTER_OTLP_ENDPOINT"
SPANS_OF = "OTEL_RESOURCE_ATTRIBUTES"
CALLER_TOKEN_FILE = "TARMAC_CALLER_TOKEN_FILE"  # noqa: S105 - a variable's name
CALLEES = "TARMAC_CALLEES"
CALLER_JWKS_FILE = "TARMAC_CALLER_JWKS_FILE"
CALLER_JWKS_URL = "TARMAC_CALLER_JWKS_URL"
CALLER_JWKS_CA_FILE = "TARMAC_CALLER_JWKS_CA_FILE"
CALLER_JWKS_TOKEN_FILE = "TARMAC_CALLER_JWKS_TOKEN_FILE"  # noqa: S105 - as above
CALLER_ISSUER = "TARMAC_CALLER_ISSUER"
CALLERS = "TARMAC_CALLERS"
PUBLIC_PATHS = "TARMAC_PUBLIC_PATHS"
UNBUFFERED = "PYTHONUNBUFFERED"
URL_SUFFIX = "_URL"
#: A variable with it holds the path of a file that has the value, and may change.
FILE_SUFFIX = "_FILE"
TIMEOUT_SUFFIX = "_TIMEOUT_S"
RETRIES_SUFFIX = "_RETRIES"

HEALTH_PATH = "/health"
LIVE_PATH = "/health/live"
READY_PATH = "/health/ready"
METRICS_PATH = "/metrics"
OPENAPI_PATH = "/openapi.json"

#: Holds the caller token of the service that sends a request.
CALLER_HEADER = "X-Caller-Token"

SERVE_MODULE = "tarmac_kit.serve"


def env_prefix(name: str) -> str:
    """Turn a service's or role's name into the start of its variables: `a-b` -> `A_B`."""
    return name.upper().replace("-", "_")
