#!/usr/bin/env bash
# What stands in single quotes is the text of others' files, `$` included.
# shellcheck disable=SC2016
set -euo pipefail
umask 077

namespace=@NAMESPACE@
given=${1:-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/kept"
missing=0

k() {
    kubectl --namespace "$namespace" "$@"
}

# fetch: writes what the cluster keeps into files. If it cannot be asked, this ends here: it must
# never be taken for one that keeps nothing.
fetch() {
    local key value
    k get secret @KEPT@ --ignore-not-found \
        --output 'go-template={{range $key, $value := .data}}{{$key}} {{$value}}{{"\n"}}{{end}}' \
        >"$work/list"
    while read -r key value; do
        base64 -d <<<"$value" >"$work/kept/$key"
    done <"$work/list"
}

# part KEY BYTES [base64]: a part that is generated where there is none yet.
part() {
    if [[ -e $work/kept/$1 ]]; then
        return
    elif [[ -n $given && -f $given/$1 ]]; then
        printf '%s' "$(<"$given/$1")" >"$work/kept/$1" # without the newline at its end
    elif [[ ${3:-} == base64 ]]; then # that for addresses
        head -c "$2" /dev/urandom | base64 | tr -d '\n' | tr '+/' '-_' >"$work/kept/$1"
    else
        head -c "$2" /dev/urandom | od -An -v -tx1 | tr -d ' \n' >"$work/kept/$1"
    fi
    echo "new: $1"
}

# from_elsewhere KEY: a part that a server elsewhere has, so it cannot be generated.
from_elsewhere() {
    if [[ -e $work/kept/$1 || (-n $given && -f $given/$1) ]]; then
        part "$1" 0
        return
    fi
    echo "missing: $1; write it to a file FOLDER/$1 and run: $0 FOLDER" >&2
    missing=1
}

# secret NAME OWNER FOLDER: makes the Secret be what the files of a folder hold.
secret() {
    local file
    {
        printf 'apiVersion: v1\nkind: Secret\nmetadata:\n  name: %s\n' "$1"
        printf '  labels:\n    app.kubernetes.io/name: %s\n' "$2"
        printf '    app.kubernetes.io/part-of: @SYSTEM@\n'
        printf '    app.kubernetes.io/managed-by: tarmac\n'
        printf 'type: Opaque\ndata:\n'
        for file in "$3"/*; do
            printf '  %s: ' "${file##*/}"
            base64 <"$file" | tr -d '\n'
            printf '\n'
        done
    } | k apply --server-side --field-manager=tarmac --filename -
}

# text and kept write to the file that is being made.
text() {
    printf '%s' "$1"
}
kept() {
    cat "$work/kept/$1"
}

fetch
