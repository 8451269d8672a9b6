#!/usr/bin/env bash
# Removes @SYSTEM@ for @ENVIRONMENT@ from AWS, in this order: what makes objects again, workloads, what
# controllers made in AWS, Terraform's resources, the bucket of the state. Read it before you run it:
#
#   bash teardown.sh @NAME@
#
# Terraform shows what it destroys and asks. After a failure it can be run again from its beginning.
set -euo pipefail

need() {
    local program
    for program in "$@"; do
        command -v "$program" >/dev/null || { echo "$program: not on PATH; install it" >&2; exit 3; }
    done
}

stop() {
    echo "$1" >&2
    exit 1
}

step() {
    echo "== $1"
}

# confirmed NAME GIVEN: its name has to be given, so that no other environment's script is run by mistake.
confirmed() {
    [[ $2 == "$1" ]] || { echo "name what is removed: bash $0 $1" >&2; exit 2; }
}

# account ID: the identity is one of this account.
account() {
    local own
    own=$(aws sts get-caller-identity --query Account --output text)
    [[ $own == "$1" ]] || stop "this identity is of account $own, and not of $1; sign in to that one"
}

# cluster REGION NAME: have kubectl ask this cluster, by a configuration of its own; 1 where there is none.
cluster() {
    local names
    names=$(aws eks list-clusters --region "$1" --query clusters --output text) || exit 1
    if [[ " ${names//[[:space:]]/ } " != *" $2 "* ]]; then
        echo "no cluster $2 in $1"
        return 1
    fi
    aws eks update-kubeconfig --region "$1" --name "$2" --kubeconfig "$KUBECONFIG" || exit 1
}

# unfollow ROOT: Argo CD removes what it keeps equal to git, and the root that would make it again first.
unfollow() {
    if [[ -n $(kubectl get crd applications.argoproj.io --ignore-not-found --output name) ]]; then
        kubectl --namespace argocd delete applications.argoproj.io "$1" --ignore-not-found --timeout=20m
    fi
}

# balancers: the Services of all namespaces that have a load balancer, as `NAMESPACE NAME`.
balancers() {
    kubectl get services --all-namespaces --output \
        'go-template={{range .items}}{{if eq .spec.type "LoadBalancer"}}{{.metadata.namespace}} {{.metadata.name}}{{"\n"}}{{end}}{{end}}'
}

# release: what controllers made in AWS is in no state of Terraform. The network cannot go while a load
# balancer is in it, and a disk would stay and cost. A Service is gone only when its balancer is.
release() {
    local namespace name kind
    balancers | while read -r namespace name; do
        kubectl --namespace "$namespace" delete service "$name" --timeout=10m
    done
    for kind in statefulsets deployments; do
        kubectl get "$kind" --all-namespaces --output \
            'go-template={{range .items}}{{.metadata.namespace}} {{.metadata.name}}{{"\n"}}{{end}}' |
            while read -r namespace name; do
                # What deletes disks runs there.
                [[ $namespace == kube-system ]] ||
                    kubectl --namespace "$namespace" delete "$kind" "$name" --timeout=10m
            done
    done
    kubectl delete persistentvolumeclaims --all --all-namespaces --timeout=10m
    kubectl get persistentvolumes --output \
        'go-template={{range .items}}{{if eq .spec.persistentVolumeReclaimPolicy "Delete"}}{{.metadata.name}}{{"\n"}}{{end}}{{end}}' |
        while read -r name; do
            kubectl wait --for=delete "persistentvolume/$name" --timeout=10m
        done
    kubectl get persistentvolumes --output \
        'go-template={{range .items}}disk left, it is to be kept: {{.spec.csi.volumeHandle}}{{"\n"}}{{end}}'
}

# destroy WORKSPACE [OPTION...]: Terraform's resources in one region, unprotected before.
destroy() {
    local workspace=$1
    shift
    if [[ $(terraform -chdir="$infrastructure" workspace list) != *"$workspace"* ]]; then
        echo "no workspace $workspace"
        return
    fi
    terraform -chdir="$infrastructure" workspace select "$workspace"
    if ((protected)); then
        terraform -chdir="$infrastructure" apply "$@" -var=protected=false
    fi
    terraform -chdir="$infrastructure" destroy "$@" -var=protected=false
}

# empty BUCKET: every version of every object.
empty() {
    local kind objects
    for kind in Versions DeleteMarkers; do
        while true; do
            objects=$(aws s3api list-object-versions --bucket "$1" --max-items 500 --output json \
                --query "{Objects: ${kind}[].{Key: Key, VersionId: VersionId}, Quiet: \`true\`}")
            [[ $objects == *VersionId* ]] || break
            aws s3api delete-objects --bucket "$1" --delete "$objects" >/dev/null
        done
    done
}

# state BUCKET KEY: the bucket of the state, if no other environment's state is in it.
state() {
    local others
    others=$(aws s3api list-objects-v2 --bucket "$1" --output text \
        --query "Contents[?ends_with(Key, '.tfstate') && Key != '$2' && !ends_with(Key, '/$2')].Key")
    [[ -z $others || $others == None ]] || stop "$1 stays, other states are in it: $others"
    terraform -chdir="$infrastructure/state" init -input=false
    # Its `prevent_destroy` is for every other day.
    terraform -chdir="$infrastructure/state" state rm aws_s3_bucket.state
    terraform -chdir="$infrastructure/state" destroy
    empty "$1"
    aws s3api delete-bucket --bucket "$1"
}

# left REGION PREFIX CLUSTER: what is in no state of Terraform and stays.
left() {
    aws secretsmanager list-secrets --region "$1" --filters "Key=name,Values=$2" --output text \
        --query "SecretList[].['secret left:', Name]"
    aws logs describe-log-groups --region "$1" --log-group-name-prefix "/aws/eks/$3/" --output text \
        --query "logGroups[].['logs left:', logGroupName]"
}

need aws kubectl terraform
confirmed @NAME@ "${1:-}"
infrastructure=${INFRASTRUCTURE:-@FOLDER@}
[[ -f $infrastructure/backend.hcl ]] || stop "$infrastructure: not rendered; INFRASTRUCTURE=... names its folder"
KUBECONFIG=$(mktemp)
export KUBECONFIG
trap 'rm -f "$KUBECONFIG"' EXIT

