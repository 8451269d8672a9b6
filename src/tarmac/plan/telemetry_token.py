"""The secret by which the telemetry process knows what each service sends.

Apart from `spans`, which needs the model: the telemetry process reads names and no model.
"""

from __future__ import annotations

from tarmac.base.launch import Secret, ServiceSecret

#: The secret, and the header that carries it.
TOKEN, TOKEN_HEADER = "TARMAC_TELEMETRY_TOKEN", "x-tarmac-token"


def token(service: str) -> Secret:
    """Name the secret of one service."""
    return Secret.of(ServiceSecret(service, TOKEN))
