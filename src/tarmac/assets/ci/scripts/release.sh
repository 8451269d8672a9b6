#!/usr/bin/env bash
# Releases what is committed here: CHANGELOG.md gets a section, that is a commit, and the commit an
# annotated tag. Says what it would do, and does it with --go; nothing is pushed unless --push is said,
# too. The version is what scripts/version-bump.sh prints.
#
#   scripts/release.sh              what it would be
#   scripts/release.sh --go         commit and tag
#   scripts/release.sh --go --push  and push both, at once or not at all
#
# Where the main branch takes pull requests alone:
#
#   scripts/release.sh --changelog    on a branch: the commit without the tag, for a pull request
#   scripts/release.sh --tag [--push] on main, once that is merged: the tag of what was merged
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cd "$(git rev-parse --show-toplevel)"

go='' push='' tag=yes only=''
for each in "$@"; do
    case $each in
    --go) go=yes ;;
    --changelog) go=yes tag='' ;;
    --tag) only=yes ;;
    --push) push=yes ;;
    *)
        sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0"
        exit 2
        ;;
    esac
done

last=$("$here/version-bump.sh" --current)
next=$("$here/version-bump.sh")
range=${last:+v$last..}HEAD

if [ -n "$only" ]; then
    first=$(sed -n 's/^## \([0-9][0-9.]*\) - .*/\1/p' CHANGELOG.md 2>/dev/null | head -n 1 || true)
    if [ "$first" != "$next" ]; then
        echo "CHANGELOG.md begins with ${first:-no version}, and the next one is $next" >&2
        exit 1
    fi
    git tag --annotate "v$next" --message "$next"
    echo "v$next"
    if [ -n "$push" ]; then git push origin "v$next"; fi
    exit
fi

section() {
    local pattern=$2 lines
    lines=$(git log --reverse --format='- %s (%h)' "$range" | grep -E "^- $pattern" || true)
    if [ -n "$lines" ]; then printf '\n### %s\n\n%s\n' "$1" "$lines"; fi
}
# A breaking change is named there, whatever its type.
notes=$(
    printf '## %s - %s\n' "$next" "$(git log -1 --format=%cs)"
    section 'What breaks' '[a-z]+(\([^)]*\))?!: '
    section 'What is new' 'feat(\([^)]*\))?: '
    section 'What is fixed' '(fix|perf)(\([^)]*\))?: '
)

if [ -z "$go" ]; then
    printf 'It would be %s (after %s):\n\n%s\n\nscripts/release.sh --go makes it.\n' \
        "$next" "${last:-none}" "$notes"
    exit
fi
if [ -n "$(git status --porcelain --untracked-files=no)" ]; then
    echo 'there are changes that are not committed; commit or stash them' >&2
    exit 1
fi
old=''
if [ -f CHANGELOG.md ]; then old=$(sed '1{/^# /d}' CHANGELOG.md); fi
{
    printf '# Changes\n\n%s\n' "$notes"
    if [ -n "$old" ]; then printf '\n%s\n' "$(sed '/./,$!d' <<<"$old")"; fi
} >CHANGELOG.md.new
mv CHANGELOG.md.new CHANGELOG.md
git add CHANGELOG.md
git commit --quiet --message "chore(release): $next"
if [ -z "$tag" ]; then exit; fi
git tag --annotate "v$next" --message "$next"
echo "v$next"
if [ -n "$push" ]; then git push --atomic origin HEAD "v$next"; fi
