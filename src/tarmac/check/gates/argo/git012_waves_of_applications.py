"""Waves of Applications wait for each other: Argo CD is told when one is healthy."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.argo.applications import WAVE, App, applications
from tarmac.check.gates.views.objects.metadata import named
from tarmac.check.gates.views.scope import counted_in_files

#: Argo CD's own settings, and how they name the health of an Application.
SETTINGS = "argocd-cm"
_HEALTH = ("argoproj.io_Application", "argoproj.io/Application", "resourceHealthChecks")


def check(files: Files) -> Iterator[Finding]:
    """Yield the first Application of a later wave that waits for none before it."""
    settings = named(files, "ConfigMap").get(SETTINGS)
    folders = _waves(files)
    if settings is None or not folders or _has_health(files):
        return
    for apps in folders.values():
        first = min(app.wave for app in apps)
        later = [app for app in apps if app.wave > first]
        if later:
            app = min(later, key=lambda one: (one.wave, one.name))
            what = f"{app.title} is in wave {app.wave}, and Argo CD has no health of Applications"
            why = f"unless {SETTINGS} says it, so it does not wait for wave {first}; write"
            where = app.artifact.at("metadata", "annotations", WAVE)
            advice = f"resource.customizations.health.argoproj.io_Application in {settings.path}"
            yield Finding(where, f"{what} {why} {advice}", warning=True)


def _waves(files: Files) -> dict[str, list[App]]:
    """List the Applications of each folder one of which has a wave."""
    found: dict[str, list[App]] = {}
    for app in applications(files):
        if not app.in_set:
            found.setdefault(posixpath.dirname(app.artifact.path), []).append(app)
    return {folder: apps for folder, apps in found.items() if any(app.wave for app in apps)}


def _has_health(files: Files) -> bool:
    texts = (str(artifact.content) for artifact in files.artifacts)
    return any(sign in text for text in texts for sign in _HEALTH)


def _judged(files: Files) -> Iterator[App]:
    for apps in _waves(files).values():
        yield from apps


GATE = Gate(
    id="GIT012",
    title="Waves of Applications wait for each other",
    phase="gitops",
    source="https://argo-cd.readthedocs.io/en/stable/operator-manual/health/#argocd-app: the "
    "health of Applications was removed in 1.8, and a wave waits for what has one",
    check=check,
    of_files=check,
    scope=counted_in_files("Applications of folders with waves", _judged),
    targets=(),
    reads="waves of Applications in one folder, where Argo CD's settings are in these files. "
    "Judges files without a plan only.",
)
