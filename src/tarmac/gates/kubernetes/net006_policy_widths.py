"""NetworkPolicies open no more than the others of their namespace do, and all of it is read."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.gates.gate import Gate
from tarmac.gates.subject import Files
from tarmac.gates.views.leniency import lenient
from tarmac.gates.views.objects.metadata import title
from tarmac.gates.views.policy_mistakes import ignored, misnamed
from tarmac.gates.views.policy_spaces import policy_spaces
from tarmac.gates.views.policy_widths import wide
from tarmac.gates.views.scope import counted_in_files
from tarmac.report import Finding


def check(files: Files) -> Iterator[Finding]:
    """Yield rules that open more than was meant, and rules that are not read."""
    for space in policy_spaces(files):
        for policy, path, what in (*ignored(space), *wide(space), *misnamed(space)):
            yield Finding(policy.artifact.at(*path), f"{title(policy.artifact)} {what}")


GATE = Gate(
    id="NET006",
    title="A policy opens no more than the others, and all of its rules are read",
    phase="kubernetes",
    source="https://kubernetes.io/docs/concepts/services-networking/network-policies: an empty "
    "list of peers or ports allows all of them, and so does a list that was lost",
    check=check,
    of_files=lenient(check, "which the other", "where the other", "lets out to every", "did you"),
    scope=counted_in_files("policies", lambda files: files.objects("NetworkPolicy")),
    #: NET002 holds a plan to more.
    targets=(),
    reads="rules of all policies of a namespace, or of a folder where files name none. What most "
    "of them name and a few do not is a warning. Asked of files alone.",
)
