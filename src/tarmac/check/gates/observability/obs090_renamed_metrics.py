"""Rules ask for a metric by the name that it has now."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.monitoring.promql import selected
from tarmac.check.gates.views.monitoring.rule_groups import PlacedRule, parsed, placed_groups
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.published import published
from tarmac.check.gates.views.scope import counted_in_files

#: What may give a series another name.
_RENAMES = re.compile(r"target_?[lL]abel\W+__name__")


def check(files: Files) -> Iterator[Finding]:
    """Yield rules on names that metrics had once."""
    known = published("renamed_metrics")["metrics"]
    any_old = re.compile("|".join(rf"\b(?:{one['name']})\b" for one in known))
    rules = list(_rules(files))
    found = [rule for rule in rules if any_old.search(rule.expr)]
    if not found or any(_RENAMES.search(str(one.content)) for one in files.artifacts):
        return
    recorded = {str(rule.data.get("record")) for rule in rules}
    for rule in found:
        if parsed(rule) is None:
            continue
        names = dict.fromkeys(one.name for one in selected(rule.expr))
        for name in names:
            for one in known:
                match = re.fullmatch(one["name"], name)
                now = match.expand(one["now"]) if match else ""
                # A rule that asks for both knows of the two versions.
                if now and name not in recorded and now not in names:
                    what = f"{rule.name} asks for {name}, which is {now} since {one['since']}: it"
                    where = rule.artifact.at(*rule.path, "expr")
                    yield Finding(where, f"{what} finds nothing; write that")


@once
def _rules(files: Files) -> Iterator[PlacedRule]:
    for group in placed_groups(files):
        yield from group


GATE = Gate(
    id="OBS090",
    title="Rules ask for a metric by the name that it has now",
    phase="observability",
    source="https://github.com/kubernetes/kube-state-metrics/blob/main/CHANGELOG.md: v2.0.0, and "
    "the others in `renamed_metrics` of assets/published.yaml",
    check=check,
    of_files=check,
    scope=counted_in_files("rules", _rules),
    targets=(),
    reads="expressions of rules, beside `renamed_metrics` of assets/published.yaml, where no rule "
    "records the old name and nothing gives series other names. Judges files without a plan only.",
)
