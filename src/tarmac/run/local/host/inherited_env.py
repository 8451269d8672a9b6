"""Which of the user's own variables a process gets; all else comes from the plan.

So a variable that happens to be set in one shell cannot change what a service does. The address
that spans are sent to changes nothing of that; its credential is a secret like any other.
"""

from __future__ import annotations

import os

NAMES = frozenset(
    {"PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TZ", "TMPDIR", "TERM"}
    | {"SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"}
    | {"http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"}
    | {"OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_TRACES_SAMPLER", "OTEL_TRACES_SAMPLER_ARG"}
)


def inherited_env() -> dict[str, str]:
    """List those that are set."""
    return {name: os.environ[name] for name in sorted(NAMES & os.environ.keys())}
