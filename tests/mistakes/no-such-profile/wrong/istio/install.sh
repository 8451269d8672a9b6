#!/bin/sh
set -eu
istioctl install \
  --set profile=production -y
