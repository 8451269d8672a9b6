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
POOL_MAX = "DATABASE_POOL_MAX"
POOL_MAX_DEFAULT = 10
#: What a process has open beside its pool: for what listens (a relay), and a health question while
#: the pool is all in use.
BESIDE_POOL = 2
SENTRY_DSN = "SENTRY_DSN"
SPANS_TO = "OTEL_EXPORTER_OTLP_ENDPOINT"
SPANS_OF = "OTEL_RESOURCE_ATTRIBUTES"
UNBUFFERED = "PYTHONUNBUFFERED"
URL_SUFFIX = "_URL"
TIMEOUT_SUFFIX = "_TIMEOUT_S"
RETRIES_SUFFIX = "_RETRIES"

HEALTH_PATH = "/health"
LIVE_PATH = "/health/live"
READY_PATH = "/health/ready"
METRICS_PATH = "/metrics"
OPENAPI_PATH = "/openapi.json"

SERVE_MODULE = "tarmac_kit.serve"


def env_prefix(name: str) -> str:
    """Turn a service's or role's name into the start of its variables: `a-b` -> `A_B`."""
    return name.upper().replace("-", "_")
