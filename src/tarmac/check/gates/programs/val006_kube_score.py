"""Objects follow the recommendations of kube-score."""

from __future__ import annotations

import os
from collections.abc import Iterator

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Subject
from tarmac.check.gates.views.programs import exceptions, find, objects, objects_of, read, run, tree
from tarmac.check.gates.views.scope import counted
from tarmac.check.schemas import lock

#: kube-score's grades: 1 critical, 5 a warning, 7 nearly, 10 good.
GOOD = 7


def check(subject: Subject) -> Iterator[Finding]:
    """Yield what kube-score says of all objects together: a policy belongs to other files' pods."""
    folder, program = tree(subject), find("kube-score")
    paths = [artifact.path for artifact in objects(subject, folder)]
    if not paths:
        return
    version = f"v{lock.read().kubernetes}"
    options = ["--output-format", "json", "--kubernetes-version", version]
    options += [f"--ignore-test={exception}" for exception in exceptions("kube-score")]
    for scored in read(run([program, "score", *options, *paths], folder)):
        where = os.path.relpath(scored["file_name"], folder)
        for judged in scored["checks"]:
            if judged["skipped"] or judged["grade"] >= GOOD:
                continue
            for comment in judged["comments"] or [{"summary": judged["check"]["comment"]}]:
                part = f"{comment['path']}: " if comment.get("path") else ""
                what = f"{part}{comment['summary']} ({judged['check']['id']})"
                yield Finding(where, f"{what}; {comment.get('description', '')}", GATE.id)


GATE = Gate(
    id="VAL006",
    title="kube-score finds no problem in the objects",
    phase="kubernetes",
    source="https://github.com/zegl/kube-score",
    check=check,
    program="kube-score",
    scope=counted("objects", objects_of),
)
