"""An Application for each element of a list: what services share is written once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tarmac.base.artifact import Artifact
from tarmac.plan.cluster import ClusterPlan
from tarmac.render.gitops.parts import applications, argo_objects, environment, image_updater
from tarmac.render.gitops.parts.applications import App
from tarmac.render.gitops.parts.sources import main_source

#: A service's name in the template of a set.
KEY = "{{ .service }}"
SET_NOTES = (
    "One Application for each element of the list: a service more in the model is one element.",
    "`patch` is what only that service has. Elements have no order: a service waits for its",
    "dependencies by its own probes; base and stores are there before, by the root's waves.",
)


def element(plan: ClusterPlan, name: str, app: App) -> dict[str, Any]:
    """Write what a set says of one service: its name, and what only it has."""
    own = applications.spec(plan, app)
    spec: dict[str, Any] = {}
    if app.ignored:
        options = {"syncOptions": own["syncPolicy"]["syncOptions"]}
        spec |= {"syncPolicy": options, "ignoreDifferences": own["ignoreDifferences"]}
    if "sources" in own:
        spec |= {"sources": own["sources"], "source": None}
    patch: dict[str, Any] = {"spec": spec} if spec else {}
    return {"service": name, "patch": patch}


def application_set(plan: ClusterPlan, apps: Mapping[str, App], wave: int) -> Artifact:
    """Make a set with an element for each service; what they share is its template."""
    shared = App(KEY, "", (main_source(plan, KEY),), "")
    metadata: dict[str, Any] = {
        "name": environment.named(plan, KEY),
        "namespace": argo_objects.NAMESPACE,
        "finalizers": [argo_objects.FINALIZER],
    }
    if annotations := image_updater.annotated(plan, KEY):
        metadata["annotations"] = annotations
    elements = [element(plan, name, app) for name, app in apps.items()]
    body = {
        "goTemplate": True,
        "goTemplateOptions": ["missingkey=error"],
        "generators": [{"list": {"elements": elements}}],
        "template": {"metadata": metadata, "spec": applications.spec(plan, shared)},
        "templatePatch": "{{ toJson .patch }}\n",
    }
    name, path = (
        environment.named(plan, f"{plan.system}-services"),
        f"{applications.FOLDER}/services.yaml",
    )
    notes = (*SET_NOTES, *image_updater.notes(plan))
    return argo_objects.argo(
        plan, "ApplicationSet", name, {"spec": body}, path, wave=wave, finalizer=False, notes=notes
    )
