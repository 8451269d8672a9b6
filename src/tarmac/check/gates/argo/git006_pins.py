"""An Application follows a named revision, prunes what is removed, and is safe to delete."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.argo.applications import App, applications
from tarmac.check.gates.views.scope import counted_in_files

FINALIZER = "resources-finalizer.argocd.argoproj.io"
EXACT = re.compile(r"v?\d+\.\d+\.\d+([-+][0-9A-Za-z.+-]+)?")


def check(subject: Files) -> Iterator[Finding]:
    """Yield Applications without a named revision, prune, self-heal or finalizer."""
    for app in applications(subject):
        yield from _followed(app)
        if FINALIZER not in app.metadata.finalizers:
            what = (
                f"{app.title} has no finalizer: deleted, it leaves its objects running and "
                f"unmanaged; add {FINALIZER}"
            )
            yield Finding(app.at("spec"), what)
        if not app.automated:
            what = f"{app.title} is synced by hand only; write `syncPolicy: {{automated: ..}}`"
            yield Finding(app.at("spec"), what)
            continue
        for name, on, loss in (
            ("prune", app.prunes, "what is removed from git stays in the cluster"),
            ("selfHeal", app.heals, "what is changed by hand stays changed"),
        ):
            if not on:
                what = f"{app.title}: {loss}; write `{name}: true`"
                yield Finding(app.at("spec"), what)


def _followed(app: App) -> Iterator[Finding]:
    for source in app.sources:
        revision = source.revision
        if source.chart:
            if not EXACT.fullmatch(revision):
                what = (
                    f"{app.title} takes chart {source.chart} in version '{revision}', which "
                    "is not pinned; name one version"
                )
                yield Finding(app.at("spec"), what)
        elif revision in ("", "HEAD"):
            what = (
                f"{app.title} follows {revision or 'no revision, so HEAD'}: the "
                "repository's default branch, which may change; name the branch, e.g. main"
            )
            yield Finding(app.at("spec"), what)


def of_files(files: Files) -> Iterator[Finding]:
    """Yield the same of files, as warnings: their owner has agreed to no rule."""
    yield from (replace(found, warning=True) for found in check(files))


GATE = Gate(
    id="GIT006",
    title="Each Application has a named revision, prune, self-heal and a finalizer",
    phase="gitops",
    source="https://argo-cd.readthedocs.io/en/stable/user-guide/tracking_strategies",
    check=check,
    of_files=of_files,
    alone=True,
    scope=counted_in_files("Applications", applications),
    reads="targetRevision of each source, finalizers and syncPolicy. A branch counts as named.",
)
