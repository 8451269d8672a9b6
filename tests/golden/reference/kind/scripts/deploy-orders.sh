#!/usr/bin/env bash
# Rendered from reference/tarmac.yaml; tests/golden/test_reference.py says how.
# Builds orders, puts it into the cluster and checks its health.
set -euo pipefail
# shellcheck source=/dev/null
. "$(dirname "$0")/kind.sh"

begin reference reference
connect
image reference/orders:0.1.0 . --file containers/Dockerfile --build-arg SERVICE=tarmac_orders --build-arg EXTRAS=kafka
service orders
answers orders 3000 /health/ready
