#!/usr/bin/env bash
# Rendered from reference/tarmac.yaml; tests/golden/test_reference.py says how.
# The cluster, its namespace and its stores.
set -euo pipefail
# shellcheck source=/dev/null
. "$(dirname "$0")/kind.sh"

begin reference reference
cluster_up
apply k8s/base/namespace*.yaml
apply k8s/base/*.yaml
if [ -x scripts/secrets.sh ]; then scripts/secrets.sh; fi
store orders-db
store cache
store pages
store mail
store broker
say "reference: the cluster is ready; scripts/deploy-*.sh come next"
