#!/usr/bin/env bash
# Rendered from reference/tarmac.yaml; tests/golden/test_reference.py says how.
# Builds web, puts it into the cluster and checks its health.
set -euo pipefail
# shellcheck source=/dev/null
. "$(dirname "$0")/kind.sh"

begin reference reference
connect
image reference/web:0.1.0 reference
service web
