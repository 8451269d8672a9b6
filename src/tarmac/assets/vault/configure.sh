#!/usr/bin/env bash
# What stands in single quotes is for others to read, `$` included.
# Functions are called by their names.
# shellcheck disable=SC2016,SC2329
set -euo pipefail
umask 077

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
given=${1:-}
own=@OWN@ kept=@KEPT@ namespace=@NAMESPACE@ keeps=@FROM_VAULT@
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
missing=0

for program in vault kubectl; do
    command -v "$program" >/dev/null || {
        echo "$program: not on PATH; install it" >&2
        exit 3
    }
done
vault token lookup >/dev/null || {
    echo "Vault does not know you: set VAULT_ADDR and VAULT_CACERT, then \`vault login\`" >&2
    exit 3
}

# enable secrets|auth PATH TYPE: what is there stays.
enable() {
    vault "$1" list -format=json >"$work/enabled"
    grep -q "^ *\"$2/\":" "$work/enabled" || vault "$1" enable -path="$2" "$3"
}

# there PATH: whether it holds a secret. If it cannot be asked, this ends here: it must never be taken
# for one that holds nothing.
there() {
    vault kv get -mount=secret -field=value "$kept/$1" >"$work/value" 2>"$work/said" && return
    grep -q 'No value found' "$work/said" && return 1
    cat "$work/said" >&2
    exit 1
}

# part PATH BYTES [base64]: a secret that is generated where there is none yet.
part() {
    there "$1" && return
    if [[ -n $given && -f $given/${1//\//.} ]]; then
        printf '%s' "$(<"$given/${1//\//.}")" >"$work/value" # without the newline at its end
    elif (($2)) && [[ ${3:-} == base64 ]]; then # that for addresses
        head -c "$2" /dev/urandom | base64 | tr -d '\n' | tr '+/' '-_' >"$work/value"
    elif (($2)); then
        head -c "$2" /dev/urandom | od -An -v -tx1 | tr -d ' \n' >"$work/value"
    else
        echo "missing: write $1 to a file FOLDER/${1//\//.} and run: $0 FOLDER" >&2
        missing=1
        return
    fi
    vault kv put -mount=secret -cas=0 "$kept/$1" value=@"$work/value" >/dev/null
    echo "new: $1"
}

# server STORE PLUGIN URL ADMIN KEY [HOST]: how Vault reaches a store as its administrator, whose password is
# what the cluster's Secret has, or Vault itself. It may be down. Where the cloud's program makes it, the key
# HOST of that Secret has what stands in the URL as SERVER.
server() {
    local url=$3
    if [[ -n ${6:-} ]]; then
        kubectl --namespace "$namespace" get secret "$1-secrets" \
            --output "go-template={{index .data \"$6\" | base64decode}}" >"$work/host"
        url=${3/SERVER/$(<"$work/host")}
    fi
    if ! { [[ $keeps == yes ]] && there "stores/$1/admin"; }; then
        kubectl --namespace "$namespace" get secret "$1-secrets" \
            --output "go-template={{index .data \"$5\" | base64decode}}" >"$work/value"
    fi
    vault write "database/config/$own.$1" plugin_name="$2" allowed_roles="$own.*" \
        connection_url="$url" username="$4" password=@"$work/value" verify_connection=false >/dev/null
    echo "store: $1"
}

# server_elsewhere STORE PLUGIN: the same of one that the cloud keeps; its URL has the password.
server_elsewhere() {
    if [[ -n $given && -f $given/$1.url ]]; then
        printf '%s' "$(<"$given/$1.url")" >"$work/value"
        vault write "database/config/$own.$1" plugin_name="$2" allowed_roles="$own.*" \
            connection_url=@"$work/value" verify_connection=false >/dev/null
        echo "store: $1"
    elif ! vault read "database/config/$own.$1" >/dev/null 2>&1; then
        echo "missing: write the administrator's URL of $1 to FOLDER/$1.url and run: $0 FOLDER" >&2
        missing=1
    fi
}

# authority NAMESPACE NAME: lets the namespace of the system trust Vault's certificate.
authority() {
    kubectl --namespace "$1" get secret vault-tls \
        --output 'go-template={{index .data "ca.crt" | base64decode}}' >"$work/ca.crt"
    kubectl --namespace "$namespace" create configmap "$2" --from-file="$work/ca.crt" \
        --dry-run=client --output yaml |
        kubectl apply --server-side --field-manager=tarmac --filename -
}

# all LIST WRITE FOLDER END: writes what each file of a folder says, and removes what has no file.
all() {
    local file name
    for file in "$here/$3"/*"$4"; do
        [[ -e $file ]] || continue
        name=${file##*/}
        $2 "$own.${name%"$4"}" "$file" >/dev/null
    done
    vault list -format=json "$1" >"$work/listed" 2>/dev/null || return 0
    tr -d ' ",[]' <"$work/listed" | while read -r name; do
        [[ $name == "$own".* && ! -e $here/$3/${name#"$own".}$4 ]] || continue
        vault delete "$1/$name" >/dev/null
        echo "removed: $1/$name"
    done
}
policy() { vault policy write "$1" "$2"; }
account() { vault write "auth/kubernetes/role/$1" @"$2"; }
user() { vault write "database/roles/$1" @"$2"; }

