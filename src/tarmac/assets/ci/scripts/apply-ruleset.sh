#!/usr/bin/env bash
# Puts the protection of branches and of environments into force that is kept in .github/rulesets/ and
# .github/environments/. Says what it would send; with --go it sends it. Needs gh, logged in as an
# admin of the repository. Safe to run twice: a ruleset of the same name is replaced.
#
#   scripts/apply-ruleset.sh        what would be sent
#   scripts/apply-ruleset.sh --go   send it
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
command -v jq >/dev/null || {
    echo 'there is no jq; apt install jq or brew install jq' >&2
    exit 3
}
if [ -n "$go" ] && ! command -v gh >/dev/null; then
    echo 'there is no gh; see https://cli.github.com' >&2
    exit 3
fi

send() {
    local method=$1 path=$2
    if [ -n "$go" ]; then
        gh api --method "$method" "$path" --input - >/dev/null
        echo "$method $path: done"
    else
        echo "$method $path"
        jq .
    fi
}

for file in .github/rulesets/*.json; do
    name=$(jq -r .name "$file") id=''
    if [ -n "$go" ]; then
        id=$(gh api 'repos/{owner}/{repo}/rulesets' --jq ".[] | select(.name == \"$name\") | .id")
    fi
    if [ -n "$id" ]; then
        send PUT "repos/{owner}/{repo}/rulesets/$id" <"$file"
    else
        send POST 'repos/{owner}/{repo}/rulesets' <"$file"
    fi
done

# Reviewers are written as `org/team` and `user`; GitHub wants their numbers.
number() {
    if [ -z "$go" ]; then
        echo 0
    elif [[ $1 == */* ]]; then
        gh api "orgs/${1%%/*}/teams/${1#*/}" --jq .id
    else
        gh api "users/$1" --jq .id
    fi
}
for file in .github/environments/*.json; do
    [ -e "$file" ] || continue
    reviewers='[]'
    while IFS= read -r reviewer; do
        kind=User
        if [[ $reviewer == */* ]]; then kind=Team; fi
        reviewers=$(jq -c --arg kind "$kind" --argjson id "$(number "$reviewer")" \
            '. + [{type: $kind, id: $id}]' <<<"$reviewers")
    done < <(jq -r '.reviewers[]?' "$file")
    environment=$(basename "$file" .json)
    jq --argjson reviewers "$reviewers" '.reviewers = $reviewers | del(.from)' "$file" |
        send PUT "repos/{owner}/{repo}/environments/$environment"
    # From which branch or tags; one that is there already is refused, and stays.
    while IFS= read -r from; do
        send POST "repos/{owner}/{repo}/environments/$environment/deployment-branch-policies" \
            <<<"$from" || echo "$environment: $from is there already" >&2
    done < <(jq -c '.from[]' "$file")
done
