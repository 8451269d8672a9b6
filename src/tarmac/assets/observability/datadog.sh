#!/usr/bin/env bash
# Brings the dashboard and the monitors of this folder to Datadog: makes those that are not there
# and changes those that are. Which is which there is kept in ids/, which belongs into git.
# Needs curl, jq, DD_API_KEY and DD_APP_KEY; DD_SITE is datadoghq.com without.
set -euo pipefail
cd "$(dirname "$0")"
: "${DD_API_KEY:?is not set}" "${DD_APP_KEY:?is not set}"
site=https://api.${DD_SITE:-datadoghq.com}/api/v1
mkdir -p ids

# bring FILE COLLECTION
bring() {
    local kept method=POST url=$site/$2
    kept=ids/$(basename "$1" .json)
    if [ -e "$kept" ]; then
        method=PUT url=$url/$(cat "$kept")
    fi
    curl --silent --show-error --fail-with-body --request "$method" "$url" \
        --header "DD-API-KEY: $DD_API_KEY" --header "DD-APPLICATION-KEY: $DD_APP_KEY" \
        --header 'Content-Type: application/json' --data "@$1" | jq --raw-output .id >"$kept.new"
    mv "$kept.new" "$kept"
    echo "$1 is $(cat "$kept")"
}

bring dashboard.json dashboard
for monitor in monitor-*.json; do
    bring "$monitor" monitor
done
