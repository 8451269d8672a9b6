"""Reads what an environment's cluster has of a system, for the gates that observe.

Called by `system` with `--target cluster`. Nothing there is changed, and no key is read.
"""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from tarmac.base.artifact import Artifact
from tarmac.base.errors import MissingTool
from tarmac.check.gates.live import (
    LiveCertificate,
    LiveContainer,
    LiveDifference,
    LiveSystem,
    LiveWorkload,
)
from tarmac.check.gates.views.objects.certificates import Certificate, tls_secrets
from tarmac.check.gates.views.objects.metadata import space_of, title
from tarmac.run.cluster import kubectl as clients
from tarmac.run.cluster import trials
from tarmac.run.cluster.causes import Surroundings, causes, pods_of, surroundings
from tarmac.run.cluster.drift import Drift, drift
from tarmac.run.cluster.kubectl import Kubectl, Object, Refusal
from tarmac.run.cluster.objects import ObjectId
from tarmac.run.cluster.readiness import AWAITED, readiness
from tarmac.run.cluster.release import Release

if TYPE_CHECKING:
    from tarmac.plan.cluster import ClusterPlan

#: What tells why a pod is not there or not ready.
_ASKED = ("pods", "replicasets", "persistentvolumeclaims", "events")
#: The rendered objects that a cluster is given.
_FOLDER = "k8s/"


@dataclass(frozen=True)
class _RenderedObject:
    """A rendered object, and the file that it is in."""

    object: Object
    where: str


def look(context: str | None, plan: ClusterPlan, artifacts: Iterable[Artifact]) -> LiveSystem:
    """Read a system in the cluster of a context; of the current one without a name.

    Args:
        artifacts: the tree that is judged.

    Raises:
        BadInput: there is no such context.
        TarmacError: its cluster does not answer, or refuses.
    """
    try:
        with clients.opened(context) as kubectl:
            return read(kubectl, plan, artifacts)
    except MissingTool as error:
        return LiveSystem(context or "", plan.namespace, unseen=str(error))


def read(kubectl: Kubectl, plan: ClusterPlan, artifacts: Iterable[Artifact]) -> LiveSystem:
    """Compare the objects of a tree with what is in a cluster. Raises Refusal."""
    given = [one for one in artifacts if one.is_object and one.path.startswith(_FOLDER)]
    tree = {ObjectId.of(one.object): one for one in map(_rendered, given)}
    objects = tuple(one.object for one in tree.values())
    found = drift(kubectl, Release(plan.system, plan.environment, plan.namespace, objects))
    around = surroundings(kubectl.get(plan.namespace, *_ASKED))
    asked = list(_awaited(objects, found))
    live = kubectl.live(asked) if asked else []
    ours = {ref for one in asked for ref in map(ObjectId.of, trials.references(one))}
    # A Deployment that a Rollout has scaled down has no pods of its own: the Rollout tells of them.
    there = [
        (_with_template(tree[ObjectId.of(one)], objects), trials.with_template(one, live))
        for one in live
        if ObjectId.of(one) not in ours
    ]
    return LiveSystem(
        context=kubectl.context,
        namespace=plan.namespace,
        compared=found.compared,
        missing=tuple(LiveDifference(tree[one].where, str(one)) for one in found.missing),
        changed=tuple(
            LiveDifference(tree[one.id].where, str(one.id), one.fields) for one in found.changed
        ),
        extra=tuple(LiveDifference("", str(one)) for one in found.extra),
        left_out=_left_out(found),
        workloads=tuple(_workload(rendered, one, around) for rendered, one in there),
        containers=tuple(
            container
            for rendered, one in there
            for pod in pods_of(one, around.pods)
            for container in _containers(rendered, pod)
        ),
        certificates=tuple(_certificates(kubectl, plan, given)),
    )


def _awaited(objects: Iterable[Object], found: Drift) -> Iterator[Object]:
    """Yield what has pods, of the kinds that the cluster has."""
    unknown = set(found.left_out)
    yield from (
        one for one in objects if one["kind"] in AWAITED and ObjectId.of(one) not in unknown
    )


def _with_template(rendered: _RenderedObject, objects: Iterable[Object]) -> _RenderedObject:
    return replace(rendered, object=trials.with_template(rendered.object, objects))


def _rendered(artifact: Artifact) -> _RenderedObject:
    """Take an object as kubectl would send it: lists for tuples, texts for keys and dates."""
    return _RenderedObject(json.loads(json.dumps(artifact.data, default=str)), artifact.path)


def _left_out(found: Drift) -> tuple[tuple[str, int], ...]:
    return tuple(Counter(f"{one.kind} ({one.api})" for one in found.left_out).items())


def _workload(rendered: _RenderedObject, found: Object, around: Surroundings) -> LiveWorkload:
    far = readiness(found)
    why = () if far.ready else tuple(cause.text for cause in causes(found, around))
    again = tuple(line for pod in pods_of(found, around.pods) for line in _restarts(pod))
    named = str(ObjectId.of(found))
    return LiveWorkload(rendered.where, named, far.ready, far.detail, why, again)


def _restarts(pod: Object) -> Iterator[str]:
    for status in _statuses(pod):
        if count := status.get("restartCount", 0):
            ended: Mapping[str, Any] = status.get("lastState", {}).get("terminated", {})
            how = f" ({ended.get('reason', 'ended')}, exit status {ended['exitCode']})"
            of = f"container {status['name']} of pod {pod['metadata']['name']}"
            times = "once" if count == 1 else f"{count} times"
            yield f"{of} was started again {times}{how if 'exitCode' in ended else ''}"


def _statuses(pod: Object) -> Iterator[Object]:
    for kind in ("initContainerStatuses", "containerStatuses"):
        yield from pod.get("status", {}).get(kind, ())


def _containers(rendered: _RenderedObject, pod: Object) -> Iterator[LiveContainer]:
    """Yield a pod's containers that the tree names; those that others put into it are theirs."""
    images = dict(_images(rendered.object["spec"]["template"]))
    digests = {one["name"]: one.get("imageID", "") for one in _statuses(pod)}
    for name, image in _images(pod):
        if name in images:
            yield LiveContainer(
                rendered.where,
                pod["metadata"]["name"],
                name,
                images[name],
                image,
                # `docker.io/library/redis@sha256:...`, or the digest alone.
                digests.get(name, "").rpartition("@")[2],
            )


def _images(pod: Object) -> Iterator[tuple[str, str]]:
    for kind in ("initContainers", "containers"):
        yield from ((one["name"], one.get("image", "")) for one in pod["spec"].get(kind) or ())


def _certificates(
    kubectl: Kubectl, plan: ClusterPlan, artifacts: Iterable[Artifact]
) -> Iterator[LiveCertificate]:
    """Yield what each Ingress and Gateway reads, from where it is made; of all hosts at once."""
    by_kind: dict[str, list[Artifact]] = {}
    for artifact in artifacts:
        by_kind.setdefault(str(artifact.data["kind"]), []).append(artifact)
    made = {Certificate(one).secret: space_of(one) for one in by_kind.get("Certificate", ())}
    for artifact in (*by_kind.get("Ingress", ()), *by_kind.get("Gateway", ())):
        asked: dict[tuple[str, str], frozenset[str]] = {}
        for secret in tls_secrets(artifact):
            space = secret.namespace or made.get(secret.name) or space_of(artifact)
            key = secret.name, space or plan.namespace
            asked[key] = asked.get(key, frozenset()) | secret.hosts
        for key, hosts in asked.items():
            named = LiveCertificate(artifact.path, title(artifact), *key, hosts)
            yield _certificate(kubectl, named)


def _certificate(kubectl: Kubectl, named: LiveCertificate) -> LiveCertificate:
    """Read a certificate, and leave the key that is beside it."""
    where = (named.secret, f"--namespace={named.namespace}", "--ignore-not-found")
    try:
        text = kubectl.run("get", "secret", *where, r"--output=jsonpath={.data.tls\.crt}")
    except Refusal as refusal:
        return replace(named, unread=str(refusal))
    return _of_text(named, base64.b64decode(text))


def _of_text(named: LiveCertificate, text: bytes) -> LiveCertificate:
    """Read the first certificate of a chain, which is the server's own."""
    from cryptography import x509  # noqa: PLC0415 - 40 ms, and only where there is one

    try:
        certificate = x509.load_pem_x509_certificates(text)[0]
    except ValueError:  # nothing, or no PEM
        return named
    try:
        kind = x509.SubjectAlternativeName
        said = certificate.extensions.get_extension_for_class(kind).value
        names = frozenset(said.get_values_for_type(x509.DNSName))
    except x509.ExtensionNotFound:  # clients do not look at a common name any more
        names = frozenset()
    return replace(named, names=names, ends=certificate.not_valid_after_utc.date())
