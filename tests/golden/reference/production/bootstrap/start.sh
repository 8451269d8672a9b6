#!/usr/bin/env bash
# Rendered from reference/tarmac.yaml; tests/golden/test_reference.py says how.
# Fills an empty cluster with reference for production; repeatable.
set -euo pipefail
# shellcheck source=/dev/null
. "$(dirname "$0")/platform.sh"
need helm kubectl
need_kind gateways.gateway.networking.k8s.io
chart kube-prometheus-stack monitoring https://prometheus-community.github.io/helm-charts kube-prometheus-stack 0.85.0
chart cert-manager cert-manager https://charts.jetstack.io cert-manager 1.21.2
chart external-secrets external-secrets https://charts.external-secrets.io external-secrets 1.3.2
chart istio-base istio-system https://istio-release.storage.googleapis.com/charts base 1.31.1
chart istio-cni istio-system https://istio-release.storage.googleapis.com/charts cni 1.31.1
chart istiod istio-system https://istio-release.storage.googleapis.com/charts istiod 1.31.1
chart argo-rollouts argo-rollouts https://argoproj.github.io/argo-helm argo-rollouts 1.10.2
chart argocd argocd https://argoproj.github.io/argo-helm argo-cd 3.6.1
kubectl wait --for=condition=available --timeout=300s --namespace argocd \
  deployment/argocd-server
# Only the root and its project: what is below is for Argo CD to read.
start project.yaml
start root.yaml
