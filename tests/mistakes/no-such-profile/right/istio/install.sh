#!/bin/sh
set -eu
istioctl install \
  --set profile=default -y
