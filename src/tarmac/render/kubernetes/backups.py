"""Where and when Velero keeps the objects of the namespace, and the values of its chart."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tarmac.base import versions
from tarmac.base.artifact import Artifact
from tarmac.base.written import duration
from tarmac.plan.cluster import ClusterPlan
from tarmac.render import texts
from tarmac.render.kubernetes.parts.metadata import an_object
from tarmac.render.renderer import Renderer

API, NAMESPACE, LOCATION = "velero.io/v1", "velero", "default"
PLUGIN = "velero/velero-plugin-for-aws"
NOTES = (
    "helm upgrade --install velero velero --repo https://vmware-tanzu.github.io/helm-charts",
    "  --namespace velero --create-namespace --values velero.yaml --version CHART",
    "CHART is the newest one that installs Velero {version}: bootstrap/start.sh looks it up.",
)
SCHEDULE_NOTES = (
    "At once: velero backup create --from-schedule {name}",
    "Back: velero restore create --from-backup NAME. Only what is absent is made: delete the",
    "namespace first where all is to be as it was.",
)


def render(plan: ClusterPlan) -> Iterable[Artifact]:
    """Yield location, schedule and the chart's values, where the model has backups."""
    cloud = plan.cloud
    if cloud is None or cloud.velero is None:
        return
    velero = cloud.velero
    provider: dict[str, Any] = {"provider": "aws", "config": {"region": cloud.region}}
    kept = {
        **provider,
        "objectStorage": {"bucket": velero.bucket},
        "accessMode": "ReadWrite",
        "default": True,
    }
    made = {"BackupStorageLocation": kept}
    if velero.volumes:
        made["VolumeSnapshotLocation"] = provider
    for kind, spec in made.items():
        yield an_object(plan, API, kind, LOCATION, {"spec": spec}, namespace=NAMESPACE)
    template = {
        "includedNamespaces": [plan.namespace],
        "ttl": duration(velero.keep_s, "h"),
        "storageLocation": LOCATION,
        "snapshotVolumes": velero.volumes,
        **({"volumeSnapshotLocations": [LOCATION]} if velero.volumes else {}),
    }
    name = f"{plan.environment}-backup"
    body = {"spec": {"schedule": velero.schedule, "template": template}}
    notes = tuple(line.format(name=name) for line in SCHEDULE_NOTES)
    yield an_object(plan, API, "Schedule", name, body, namespace=NAMESPACE, notes=notes)
    catalogue = versions.read()
    given = {"role": velero.role, "plugin": catalogue.images[PLUGIN].version}
    content = texts.filled_asset("gitops/velero.yaml", given)
    notes = tuple(line.format(version=catalogue.charts["velero"].version) for line in NOTES)
    yield Artifact("backups/values/velero.yaml", content, plan.model, notes)


RENDERER = Renderer(
    id="backups",
    phase="recovery",
    title="Velero's backup location and schedule, and the values of its chart",
    render=render,
)
