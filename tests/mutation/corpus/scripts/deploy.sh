#!/usr/bin/env bash
set -euo pipefail

version="${1:?usage: deploy.sh VERSION}"
kubectl --namespace tickets set image deployment/api "api=registry.example.com/tickets/api:${version}"
kubectl --namespace tickets rollout status deployment/api --timeout=300s
