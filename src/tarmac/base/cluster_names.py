"""What every Kubernetes cluster has by itself, under these names."""

from __future__ import annotations

#: Published in each namespace: the authority of the API server's certificate, as CA_NAME.
CA_CONFIG_MAP, CA_NAME = "kube-root-ca.crt", "ca.crt"
#: The certificate of this Service has this name. Each service account may read it
#: (`system:service-account-issuer-discovery`).
KEYS_URL = "https://kubernetes.default.svc/openid/v1/jwks"
