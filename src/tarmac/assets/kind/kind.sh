# shellcheck shell=bash
# What setup.sh and deploy-SERVICE.sh have in common: a cluster by Kind, and what is put into it.
# They source this file and `begin CLUSTER NAMESPACE`. All of it can be run again at any time.
set -euo pipefail

tree=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$tree"
# The repository that images are built from: the one that the tree is in, or SOURCE.
repository=${SOURCE:-$(git rev-parse --show-toplevel 2>/dev/null || pwd)}
scratch=$(mktemp -d)
cluster='' namespace='' before='' after='' forwarding=''
trap 'if [ -n "$forwarding" ]; then kill "$forwarding" 2>/dev/null || true; fi; rm -rf "$scratch"' EXIT
# The cluster is asked through a file of its own: nothing goes to the one that kubectl has as its
# current context, and that stays as it is.
export KUBECONFIG=$scratch/kubeconfig

say() {
    printf '==> %s\n' "$*"
}

stop() {
    printf '%s\n' "$1" >&2
    exit "${2:-1}"
}

need() {
    command -v "$1" >/dev/null || stop "$1: not found on PATH; $2" 3
}

# begin CLUSTER NAMESPACE: what they are called, and whether all programs are there.
begin() {
    cluster=$1 namespace=$2
    need docker 'install Docker 24 or newer: https://docs.docker.com/engine/install/'
    need kind 'install Kind 0.30 or newer: https://kind.sigs.k8s.io/docs/user/quick-start/#installation'
    need kubectl 'install kubectl 1.30 or newer: https://kubernetes.io/docs/tasks/tools/'
    need curl "install curl with your system's packages"
    docker info >/dev/null 2>&1 || stop 'docker: its daemon does not answer; start it' 3
}

k() {
    kubectl --namespace "$namespace" "$@"
}

there() {
    # Not a pipe: grep ends at the first match, and kind would fail since the pipe is closed.
    kind get clusters >"$scratch/clusters" 2>/dev/null || true
    grep -Fqx "$cluster" "$scratch/clusters"
}

# Makes the cluster where there is none of that name.
cluster_up() {
    if there; then
        say "cluster $cluster: there already"
    else
        kind create cluster --name "$cluster" --config kind/cluster.yaml --kubeconfig "$KUBECONFIG" --wait 180s
    fi
    connect
}

connect() {
    there || stop "cluster $cluster: not there; run scripts/setup.sh first"
    kind export kubeconfig --name "$cluster" --kubeconfig "$KUBECONFIG" >/dev/null 2>&1
    kubectl get --raw /readyz >/dev/null || stop "cluster $cluster: its API server is not ready"
}

# apply FILE...: leaves out what the cluster has no kind for, such as a monitor without an operator.
apply() {
    local file api known=()
    kubectl api-versions >"$scratch/api-versions"
    for file in "$@"; do
        [ -e "$file" ] || continue
        api=$(sed -n '/^apiVersion: */{s/^apiVersion: *//p;q;}' "$file")
        if grep -Fqx "$api" "$scratch/api-versions"; then
            known+=(--filename "$file")
        else
            say "left out: $file (the cluster has no $api)"
        fi
    done
    if ((${#known[@]})); then
        kubectl apply --server-side --force-conflicts --field-manager=tarmac "${known[@]}"
    fi
}

# What stands around the pods: their settings, accounts, addresses and policies.
surroundings() {
    local file files=()
    for file in "k8s/$1"/*.yaml; do
        case ${file##*/} in
        deployment*.yaml | statefulset*.yaml | job-*.yaml) ;;
        *) files+=("$file") ;;
        esac
    done
    if ((${#files[@]})); then
        apply "${files[@]}"
    fi
}

# What runs once, to its end.
jobs_done() {
    local file
    for file in "k8s/$1"/job-*.yaml; do
        [ -e "$file" ] || continue
        apply "$file"
        kubectl wait --for=condition=complete --timeout=300s --filename "$file"
    done
}

rolled_out() {
    local file
    for file in "k8s/$1"/deployment*.yaml "k8s/$1"/statefulset*.yaml; do
        [ -e "$file" ] || continue
        apply "$file"
        kubectl rollout status --timeout=300s --filename "$file"
    done
}

# store NAME: a server, then what is set up in it.
store() {
    say "store $1"
    surroundings "$1"
    rolled_out "$1"
    jobs_done "$1"
}

# image NAME FOLDER ARGUMENT...: builds it from a folder of the repository (docker takes what has not
# changed from its cache) and hands it to the nodes; no registry is needed.
image() {
    local name=$1 folder=$2
    shift 2
    say "image $name"
    before=$(docker image inspect --format '{{.Id}}' "$name" 2>/dev/null || true)
    docker build --tag "$name" "$@" "$repository/$folder"
    after=$(docker image inspect --format '{{.Id}}' "$name")
    kind load docker-image "$name" --name "$cluster"
}

# pulled NAME: takes an image that another repository builds, from its registry or from here.
pulled() {
    say "image $1"
    before='' after=''
    docker image inspect "$1" >/dev/null 2>&1 || docker pull "$1"
    kind load docker-image "$1" --name "$cluster"
}

# service NAME: what must be done before it, and then the service itself.
service() {
    say "service $1"
    surroundings "$1"
    jobs_done "$1"
    # Another image of the same name is nothing that a Deployment would see.
    if [ -n "$before" ] && [ "$before" != "$after" ] && k get deployment "$1" >/dev/null 2>&1; then
        k rollout restart deployment "$1"
    fi
    rolled_out "$1"
}

# answers NAME PORT PATH: checks its health from outside the cluster. The way goes by its node's
# own agent, so policies that close the pod do not block it.
answers() {
    local address='' _
    : >"$scratch/forwarded"
    k port-forward "service/$1" ":$2" >"$scratch/forwarded" 2>&1 &
    forwarding=$!
    for _ in {1..100}; do
        address=$(sed -n '/^Forwarding from 127/{s/^Forwarding from \([^ ]*\) .*/\1/p;q;}' "$scratch/forwarded")
        if [ -n "$address" ] || ! kill -0 "$forwarding" 2>/dev/null; then break; fi
        sleep 0.1
    done
    [ -n "$address" ] || stop "$1: no way to it: $(cat "$scratch/forwarded")"
    curl --fail --silent --show-error --max-time 10 "http://$address$3" ||
        stop "$1: $3 did not answer well; see: kubectl --namespace $namespace logs deployment/$1"
    printf '\n'
    say "$1 answers on $3"
    kill "$forwarding"
    forwarding=''
}
