#!/usr/bin/env bash
# Prints the next version, by the conventional commits since the last tag vMAJOR.MINOR.PATCH: `!` or
# BREAKING CHANGE is a major one, feat a minor, fix and perf a patch; other types make no release.
# Before 1.0.0 a breaking change is a minor one, as semver.org has it. With no tag it is 0.1.0.
#
#   scripts/version-bump.sh             0.3.0
#   scripts/version-bump.sh --current   0.2.1, the last one; nothing where there is none
#
# Exit code 1, and nothing printed: no commit since the last version needs a new one.
set -euo pipefail

last=$(git describe --tags --abbrev=0 --match 'v[0-9]*.[0-9]*.[0-9]*' --exclude '*-*' 2>/dev/null || true)
case ${1-} in
--current)
    echo "${last#v}"
    exit
    ;;
'') ;;
*)
    sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0"
    exit 2
    ;;
esac

if [ -z "$last" ]; then
    git rev-parse --quiet --verify HEAD >/dev/null || {
        echo 'there is no commit yet' >&2
        exit 1
    }
    echo 0.1.0
    exit
fi
IFS=. read -r major minor patch <<<"${last#v}"

size=''
while IFS= read -r -d '' message; do
    message=${message#$'\n'}
    first=${message%%$'\n'*}
    if [[ $first =~ ^[a-z]+(\([^\)]*\))?!: ]] || grep -qE '^BREAKING[ -]CHANGE: ' <<<"$message"; then
        size='major'
    elif [[ $first =~ ^feat(\([^\)]*\))?: ]]; then
        [ "$size" = major ] || size='minor'
    elif [[ $first =~ ^(fix|perf)(\([^\)]*\))?: ]]; then
        [ -n "$size" ] || size='patch'
    fi
done < <(git log -z --format=%B "$last..HEAD")

if [ "$size" = major ] && [ "$major" = 0 ]; then size=minor; fi
case $size in
major) echo "$((major + 1)).0.0" ;;
minor) echo "$major.$((minor + 1)).0" ;;
patch) echo "$major.$minor.$((patch + 1))" ;;
*)
    echo "no commit since $last needs a new version" >&2
    exit 1
    ;;
esac
