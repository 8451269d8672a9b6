"""Nobody writes down how many replicas there are where an autoscaler counts them."""

from __future__ import annotations

import re
from collections.abc import Iterator

import yaml

from tarmac.artifact import Artifact
from tarmac.gates._argo_files import applications, heals, ignores
from tarmac.gates._gate import Files, Gate
from tarmac.gates._objects import RUNNING, dig, name_of, title
from tarmac.report import Finding


def check(files: Files) -> Iterator[Finding]:
    """Yield fixed numbers of what an autoscaler scales."""
    following = [each for each in applications(files) if heals(each)]
    if following and all(ignores(each, "/spec/replicas") for each in following):
        return
    who = f"{title(following[0])} heals it" if following else "each apply sets it"
    targets = {
        str(dig(each.data, "spec", "scaleTargetRef", "name"))
        for each in files.objects("HorizontalPodAutoscaler", "ScaledObject")
    }
    advice = (
        f"and an autoscaler changes it: {who} back, the autoscaler away again, and pods come and "
        "go; remove `replicas`, its minimum is the autoscaler's"
    )
    for each in files.objects(*RUNNING):
        written = dig(each.data, "spec", "replicas")
        if written is not None and name_of(each) in targets:
            yield Finding(
                each.at("spec", "replicas"), f"replicas of {title(each)} is {written}, {advice}"
            )
    for each in files.objects("Kustomization"):
        yield from _patches(each, bool(targets), advice)


def _patches(artifact: Artifact, scaled: bool, advice: str) -> Iterator[Finding]:
    """Yield patches that set the number of what the same overlay, or the folder, scales."""
    found = list(enumerate(dig(artifact.data, "patches") or ()))
    scaled |= any(dig(p, "target", "kind") == "HorizontalPodAutoscaler" for _, p in found)
    for number, patch in found if scaled else ():
        text = str(dig(patch, "patch") or "")
        try:
            read = yaml.load(text, yaml.CSafeLoader)
        except yaml.YAMLError:
            continue
        written = dig(read, "spec", "replicas")
        if dig(patch, "target", "kind") in RUNNING and written is not None:
            line = re.search(r"^\s*replicas:", text, re.MULTILINE)
            path, _, first = artifact.at("patches", number, "patch").rpartition(":")
            below = text.count("\n", 0, line.end()) + 1 if line else 0
            where = f"{path}:{int(first) + below}" if path else artifact.path
            yield Finding(where, f"this patch sets replicas to {written}, {advice}")


GATE = Gate(
    id="GIT051",
    title="The number of replicas is the autoscaler's alone, and nothing in git puts it back",
    phase="gitops",
    source="https://argo-cd.readthedocs.io/en/stable/user-guide/best_practices: leave room for "
    "imperativeness",
    check=check,
    of_files=check,
    #: SCL001 asks it of what is planned.
    targets=(),
    looks_at="`replicas` of workloads and in patches of Kustomizations, beside autoscalers and "
    "Applications with selfHeal; ignoreDifferences of /spec/replicas settles it. Asked of files "
    "alone: SCL001 holds a plan to the same.",
)
