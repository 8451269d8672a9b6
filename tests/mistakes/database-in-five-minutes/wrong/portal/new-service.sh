#!/bin/sh
# A new service, ready to use.
set -eu
kubectl apply -f claim.yaml -n production
kubectl wait database/my-service-db -n production --for=condition=Ready --timeout=5m
