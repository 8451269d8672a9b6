#!/usr/bin/env bash
# Puts the protection of branches that is kept in .github/rulesets/ into force on Gitea or Forgejo, which
# run the workflows of .github/, too. Says what it would send; with --go it sends it, by curl, with
# GITEA_TOKEN, which is of an admin of the repository. That is where `origin` is, or GITEA_URL
# (https://HOST/OWNER/NAME). Safe to run twice: a rule of the same name is replaced.
#
#   scripts/apply-ruleset-gitea.sh        what would be sent
#   scripts/apply-ruleset-gitea.sh --go   send it
#
# Left out is what these forges cannot say: that a status comes from the pipeline itself, that threads
# are resolved, that the last push is approved by another user, and the approvers of environments.
set -euo pipefail
cd "$(dirname "$0")/.."

go=''
case ${1-} in
--go) go=yes ;;
'') ;;
*)
    sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0"
    exit 2
    ;;
esac
for program in jq curl; do
    command -v "$program" >/dev/null || {
        echo "there is no $program; apt install $program or brew install $program" >&2
        exit 3
    }
done
if [ -n "$go" ] && [ -z "${GITEA_TOKEN-}" ]; then
    echo 'set GITEA_TOKEN: Settings, Applications, a token that may write repositories' >&2
    exit 2
fi
url=${GITEA_URL:-$(git remote get-url origin || true)}
if [[ ! $url =~ ^(https?://)([^/@]*@)?([^/@]+)/([^/]+)/([^/]+)$ ]]; then
    echo "'$url' is not of the form https://HOST/OWNER/NAME; set GITEA_URL" >&2
    exit 2
fi
api=${BASH_REMATCH[1]}${BASH_REMATCH[3]}/api/v1
repository=repos/${BASH_REMATCH[4]}/${BASH_REMATCH[5]%.git}

# The token is not among the arguments, which everyone on this machine may read.
ask() {
    curl -sS --fail-with-body --max-time 60 --header 'Content-Type: application/json' \
        --config <(printf 'header = "Authorization: token %s"\n' "$GITEA_TOKEN") "$@"
}
send() {
    local method=$1 path=$2
    if [ -n "$go" ]; then
        ask --request "$method" --data @- "$api/$path" >/dev/null
        echo "$method $path: done"
    else
        echo "$method $path"
        jq .
    fi
}

# shellcheck disable=SC2016  # its variables are jq's
rules='(.rules | map({(.type): (.parameters // {})}) | add) as $rules
    | $rules.pull_request as $pull | $rules.required_status_checks as $checks'
# A status is named by its workflow, its job and the event.
# shellcheck disable=SC2016
protection=$rules' | {
    rule_name: (.conditions.ref_name.include[0] | ltrimstr("refs/heads/")),
    enable_push: false,
    enable_force_push: false,
    block_admin_merge_override: (.bypass_actors == []),
    required_approvals: $pull.required_approving_review_count,
    dismiss_stale_approvals: $pull.dismiss_stale_reviews_on_push,
    block_on_rejected_reviews: true,
    block_on_official_review_requests: $pull.require_code_owner_review,
    enable_status_check: true,
    status_check_contexts: [$checks.required_status_checks[] | "* / \(.context) (pull_request)"],
    block_on_outdated_branch: $checks.strict_required_status_checks_policy
}'
# How a pull request becomes commits is a setting of the repository, for all of its branches.
# shellcheck disable=SC2016
merging=$rules' | $pull.allowed_merge_methods as $ways | {
    allow_merge_commits: any($ways[]; . == "merge"),
    allow_squash_merge: any($ways[]; . == "squash"),
    allow_rebase: any($ways[]; . == "rebase"),
    allow_rebase_explicit: false,
    allow_fast_forward_only_merge: false,
    allow_manual_merge: false,
    default_merge_style: $ways[0]
}'
for file in .github/rulesets/*.json; do
    jq "$merging" "$file" | send PATCH "$repository"
    branch=$(jq -r "$protection | .rule_name" "$file")
    if [ -n "$go" ] && ask "$api/$repository/branch_protections/$branch" >/dev/null 2>&1; then
        jq "$protection" "$file" | send PATCH "$repository/branch_protections/$branch"
    else
        jq "$protection" "$file" | send POST "$repository/branch_protections"
    fi
done
