#!/bin/sh
set -eu
kubectl apply -f prometheus/slo-rules.yml -n monitoring
