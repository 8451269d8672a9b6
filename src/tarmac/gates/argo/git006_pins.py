"""An Application follows a named revision, prunes what is removed, and is safe to delete."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.gates.gate import Gate
from tarmac.gates.subject import Subject
from tarmac.gates.views.argo.applications import App, applications
from tarmac.gates.views.scope import counted
from tarmac.report import Finding

FINALIZER = "resources-finalizer.argocd.argoproj.io"
EXACT = re.compile(r"v?\d+\.\d+\.\d+([-+][0-9A-Za-z.+-]+)?")


def check(subject: Subject) -> Iterator[Finding]:
    """Yield Applications without a named revision, prune, self-heal or finalizer."""
    for app in applications(subject):
        yield from _followed(app)
        if FINALIZER not in app.metadata.finalizers:
            what = (
                f"{app.title} has no finalizer: deleted, it leaves its objects running and "
                f"unmanaged; add {FINALIZER}"
            )
            yield Finding(app.artifact.path, what)
        if not app.automated:
            what = f"{app.title} is synced by hand only; write `syncPolicy: {{automated: ..}}`"
            yield Finding(app.artifact.path, what)
            continue
        for name, on, loss in (
            ("prune", app.prunes, "what is removed from git stays in the cluster"),
            ("selfHeal", app.heals, "what is changed by hand stays changed"),
        ):
            if not on:
                what = f"{app.title}: {loss}; write `{name}: true`"
                yield Finding(app.artifact.path, what)


def _followed(app: App) -> Iterator[Finding]:
    for source in app.sources:
        revision = source.revision
        if source.chart:
            if not EXACT.fullmatch(revision):
                what = (
                    f"{app.title} takes chart {source.chart} in version '{revision}', which "
                    "is not pinned; name one version"
                )
                yield Finding(app.artifact.path, what)
        elif revision in ("", "HEAD"):
            what = (
                f"{app.title} follows {revision or 'no revision, so HEAD'}: the "
                "repository's default branch, which may change; name the branch, e.g. main"
            )
            yield Finding(app.artifact.path, what)


GATE = Gate(
    id="GIT006",
    title="Each Application has a named revision, prune, self-heal and a finalizer",
    phase="gitops",
    source="https://argo-cd.readthedocs.io/en/stable/user-guide/tracking_strategies",
    check=check,
    scope=counted("Applications", applications),
    reads="targetRevision of each source, finalizers and syncPolicy. A branch counts as named.",
)
