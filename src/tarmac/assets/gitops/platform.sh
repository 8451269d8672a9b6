#!/usr/bin/env bash
# Sourced by start.sh: installs what the environment's objects need before git can fill a cluster.
# A version is that of the program; the newest chart that installs just it is looked up.
set -euo pipefail

tree="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"

need() {
  local program
  for program in "$@"; do
    command -v "$program" >/dev/null || { echo "$program: not on PATH; install it" >&2; exit 3; }
  done
}

need_kind() {
  kubectl get crd "$1" >/dev/null || { echo "$1: not in the cluster; install it" >&2; exit 3; }
}

space() {
  kubectl get namespace "$1" >/dev/null 2>&1 || kubectl create namespace "$1"
}

# need_secret NAMESPACE NAME KEY...: a chart waits for it, and its values are its reader's to give.
need_secret() {
  local namespace=$1 name=$2 given
  shift 2
  space "$namespace"
  kubectl get secret "$name" --namespace "$namespace" >/dev/null 2>&1 && return
  given=$(printf ' --from-literal=%s=...' "$@")
  echo "$namespace/$name: no such Secret; kubectl create secret generic $name --namespace $namespace$given" >&2
  exit 3
}

given() {
  kubectl apply --server-side --filename "$tree/$1"
}

start() {
  kubectl apply --filename "$tree/argocd/$1"
}

# policies: what Gatekeeper asks; each template makes the kind of its constraints.
policies() {
  local file
  kubectl apply --server-side --filename "$tree/policies/templates"
  for file in "$tree"/policies/templates/*.yaml; do
    file=${file##*/}
    until kubectl get crd "${file%.yaml}.constraints.gatekeeper.sh" >/dev/null 2>&1; do sleep 1; done
    kubectl wait --for=condition=Established --timeout=60s "crd/${file%.yaml}.constraints.gatekeeper.sh"
  done
  kubectl apply --server-side --filename "$tree/policies/constraints"
}

# chart RELEASE NAMESPACE REPOSITORY CHART VERSION [OPTION...]: `=VERSION` is the chart's own.
chart() {
  local release=$1 namespace=$2 repository=$3 chart=$4 version=$5 number from values=() file
  shift 5
  if [[ $repository == oci://* ]]; then
    # It lists no versions; a chart there has its program's.
    number=$version from=$repository/$chart
  else
    from=tarmac-$release/$chart
    helm repo add "tarmac-$release" "$repository" --force-update >/dev/null
    number=${version#=}
    [[ $version == =* ]] || number=$(helm search repo "$from" --versions |
      awk -v chart="$from" -v wanted="$version" \
        '$1 == chart && ($3 == wanted || $3 == "v" wanted) { print $2; exit }')
  fi
  if [ -z "$number" ]; then
    echo "$repository: no chart $chart installs $version; say another version in the catalogue" >&2
    exit 1
  fi
  for file in "$tree"/{argocd,backups,dns,mesh,nodes,observability,policies,rollouts,vault}/values/"$chart.yaml"; do
    if [ -f "$file" ]; then values+=(--values "$file"); fi
  done
  echo "$release: $version (chart $number)"
  helm upgrade --install "$release" "$from" --version "$number" \
    --namespace "$namespace" --create-namespace --wait --timeout 10m "${values[@]}" "$@"
}
