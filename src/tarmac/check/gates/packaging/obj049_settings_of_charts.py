"""A change of a chart's settings starts new pods, by a checksum that the pods have."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Path, fields, numbered, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.charts.template_objects import TemplateObject, template_objects
from tarmac.check.gates.views.objects.metadata import kind_of, name_of
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files

_KEEPING = ("Deployment", "StatefulSet", "DaemonSet")
#: What starts new pods, or reads settings again.
_RESTARTS = re.compile(r"(?i)checksum|sha256sum|reload|\brollme\b|configHash|[-_./]hash\"?:|watch")


def check(files: Files) -> Iterator[Finding]:
    """Yield annotations that no pod gets, and settings whose change starts no pod."""
    made = {
        (one.chart.folder, kind_of(one.artifact), name_of(one.artifact)): one
        for one in template_objects(files)
        if kind_of(one.artifact) in ("ConfigMap", "Secret")
    }
    for one in _judged(files):
        artifact = one.artifact
        for key in ("annotations", "labels"):
            if fields(artifact.data, "spec", "template", key):
                what = f"{kind_of(artifact)} has {key} beside the metadata of its pod template"
                where = artifact.at("spec", "template", key)
                said = f"{what}, where no field is called so: no pod gets them; write them to"
                yield Finding(where, f"{said} spec.template.metadata")
        if not _RESTARTS.search(one.text):
            for path, kind, name in _read(artifact):
                found = made.get((one.chart.folder, kind, name))
                if found is not None and ".Values" in found.text:
                    file = found.artifact.path.rpartition("/")[2]
                    what = f"{kind_of(artifact)} reads {kind} of {file}, and a change of its values"
                    said = f"{what} starts no new pod; write an annotation checksum/config to the"
                    yield Finding(artifact.at(*path), f"{said} pod template", warning=True)
                    break


def _read(artifact: Artifact) -> Iterator[tuple[Path, str, str]]:
    """Yield what the containers of a pod template read as they start."""
    base: Path = ("spec", "template", "spec")
    for number, container in numbered(artifact.data, *base, "containers"):
        for place, source in numbered(container, "envFrom"):
            at: Path = (*base, "containers", number, "envFrom", place)
            yield at, "ConfigMap", string(source, "configMapRef", "name")
            yield at, "Secret", string(source, "secretRef", "name")
    for number, volume in numbered(artifact.data, *base, "volumes"):
        at = (*base, "volumes", number)
        yield at, "ConfigMap", string(volume, "configMap", "name")
        yield at, "Secret", string(volume, "secret", "secretName")


@once
def _judged(files: Files) -> Iterator[TemplateObject]:
    yield from (one for one in template_objects(files) if kind_of(one.artifact) in _KEEPING)


GATE = Gate(
    id="OBJ049",
    title="A change of a chart's settings starts new pods",
    phase="kubernetes",
    source="https://helm.sh/docs/howto/charts_tips_and_tricks/#automatically-roll-deployments: a "
    "pod template with the checksum of its settings is another one when these change",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("workloads of charts", _judged),
    targets=(),
    reads="pod templates of charts on disk, beside the ConfigMaps and Secrets that these charts "
    "make of values. Judges files without a plan only.",
)
