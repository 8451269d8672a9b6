#!/bin/sh
set -eu
velero schedule create production --schedule="0 */6 * * *" \
  --include-namespaces production --ttl 720h
