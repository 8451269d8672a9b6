"""Flagger's Canaries, and the objects that Flagger makes of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Fields, fields, items, number, text
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import metadata
from tarmac.check.gates.views.objects.references import target_of
from tarmac.check.gates.views.objects.services import Service


class CanaryService:
    """The Service, and the ingress to it, that Flagger makes of a Canary."""

    def __init__(self, data: Fields) -> None:
        self.data = data

    @property
    def name(self) -> str | None:
        """Its name; None: the workload's."""
        return text(self.data, "name")

    @property
    def port(self) -> int | None:
        """Its port."""
        return number(self.data, "port")

    @property
    def hosts(self) -> tuple[str, ...]:
        """The hosts whose requests it gets."""
        return items(self.data, "hosts")

    @property
    def prefixes(self) -> tuple[str | None, ...]:
        """The prefixes of the paths that it gets; None: not known, or all."""
        return tuple(text(m, "uri", "prefix") for m in items(self.data, "match") or ({},))


class Canary:
    """A Canary of Flagger."""

    def __init__(self, artifact: Artifact) -> None:
        self.artifact = artifact

    @property
    def namespace(self) -> str:
        """Its namespace; empty where it has none."""
        return metadata(self.artifact).namespace or ""

    @property
    def provider(self) -> str | None:
        """What splits the requests."""
        return text(self.artifact.data, "spec", "provider")

    @property
    def autoscaler(self) -> str | None:
        """The autoscaler that Flagger copies."""
        return text(self.artifact.data, "spec", "autoscalerRef", "name")

    @property
    def service(self) -> CanaryService:
        """How its workload is called."""
        return CanaryService(fields(self.artifact.data, "spec", "service"))

    @property
    def analysis(self) -> Fields:
        """How a new version is judged."""
        return fields(self.artifact.data, "spec", "analysis")

    @property
    def weights(self) -> tuple[int, ...]:
        """The percentages of requests that a new version gets, one after the other."""
        last, step = self.analysis.get("maxWeight") or 0, self.analysis.get("stepWeight") or 0
        even = tuple(range(step, last + 1, step)) if step else ()
        return items(self.analysis, "stepWeights") or even

    @property
    def has_load(self) -> bool:
        """Whether the analysis generates requests itself."""
        hooks = items(self.analysis, "webhooks")
        return any(hook.get("type", "rollout") == "rollout" for hook in hooks)


def canaries(files: Files) -> dict[str, Canary]:
    """Find Flagger's Canaries by the workload that they try."""
    return {str(target_of(a).name): Canary(a) for a in files.objects("Canary")}


def services_of_flagger(files: Files) -> dict[str, Service]:
    """Return what Flagger will make: the Service of the version that serves, by its workload."""
    return {name: Service(_service(canary)) for name, canary in canaries(files).items()}


def _service(canary: Canary) -> Artifact:
    data = canary.service.data
    labels: Mapping[str, str] = fields(data, "primary", "labels")
    content = {
        "metadata": {"namespace": metadata(canary.artifact).namespace, "labels": labels},
        "spec": {"ports": [{"name": data.get("portName", "http"), "port": data.get("port")}]},
    }
    return replace(canary.artifact, content=content)
