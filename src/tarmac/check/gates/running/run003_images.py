"""Images: containers in the cluster run the images that the tree names."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.base.report import Finding, Level
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.live import LiveSystem
from tarmac.check.gates.subject import Subject
from tarmac.check.gates.views.scope import counted


def check(subject: Subject) -> Iterator[Finding]:
    """Yield containers of another image, and names that are several images in the cluster."""
    digests: dict[str, dict[str, str]] = {}
    for one in subject.given(LiveSystem).containers:
        of = f"container {one.name} of pod {one.pod}"
        _, _, digest = one.rendered.partition("@")
        if one.image != one.rendered:
            what = f"{of} runs {one.image}, but {one.rendered} is rendered"
            yield Finding(one.where, f"{what}; deploy it, or see why its rollout has not ended")
        elif one.digest and digest and one.digest != digest:
            what = f"{of} runs {one.digest}, but {digest} is rendered"
            yield Finding(one.where, f"{what}; delete the pod, and look at its node's images")
        elif one.digest and not digest:
            digests.setdefault(one.image, {}).setdefault(one.digest, of)
            first, *others = digests[one.image].items()
            if others and others[-1] == (one.digest, of):
                what = f"{one.image} is {one.digest} in {of}, and {first[0]} in {first[1]}"
                yield Finding(one.where, f"{what}; the tag was moved: name images by their digest")


GATE = Gate(
    id="RUN003",
    title="Containers in the cluster run the images that the tree names",
    phase="containers",
    source="https://kubernetes.io/docs/concepts/containers/images/#image-pull-policy: a tag that "
    "is moved is another image on each node",
    check=check,
    scope=counted("containers", lambda subject: subject.given(LiveSystem).containers),
    reads="image and imageID of the pods of the tree's workloads. What a node says of an image by "
    "its digest is taken; of a tag it is only compared between pods.",
    level=Level.OBSERVED,
    targets=("cluster",),
    observes=True,
)
