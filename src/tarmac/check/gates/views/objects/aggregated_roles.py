"""ClusterRoles that others collect by their labels."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.base.errors import only_near
from tarmac.base.foreign.reading import numbered
from tarmac.base.report import Finding
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import metadata, title
from tarmac.check.gates.views.objects.selectors import labels_of, selects
from tarmac.check.gates.views.published import published

_SERVER = "rbac.authorization.k8s.io"


def collected(files: Files) -> Iterator[Finding]:
    """Yield roles that collect others by a label which one here almost has, and none has."""
    roles = files.objects("ClusterRole")
    own = [(one, metadata(one).labels) for one in roles]
    for artifact in roles:
        for number, selector in numbered(artifact.data, "aggregationRule", "clusterRoleSelectors"):
            asked = labels_of(selector)
            if not asked or any(selects(selector, labels) for _, labels in own):
                continue
            for other, labels in own:
                like = [near for key in asked for near in labels if _is_like(key, near)]
                if other is not artifact and like:
                    has = f"{like[0]}: {labels[like[0]]!r}"
                    what = f"{title(artifact)} collects roles with the label "
                    what += f"{', '.join(f'{k}: {v!r}' for k, v in asked.items())}, which none has"
                    at = ("aggregationRule", "clusterRoleSelectors", number)
                    advice = f"{title(other)} has {has}"
                    yield Finding(artifact.at(*at), f"{what}, so it grants nothing; {advice}")
                    break


def uncollected(files: Files) -> Iterator[Finding]:
    """Yield roles with a label by which their program collects none."""
    for artifact in files.objects("ClusterRole"):
        for key, value in metadata(artifact).labels.items():
            owner, _, name = str(key).partition("/aggregate-to-")
            known = published("aggregates")["owners"].get(owner)
            if known and name and name not in known and str(value).lower() == "true":
                what = (
                    f"{title(artifact)} is to be collected by the label {key}, and {owner} has no"
                )
                advice = f"role that does: it grants nothing; write one of: {', '.join(known)}"
                yield Finding(artifact.at("metadata", "labels", key), f"{what} {advice}")


def _is_like(key: str, other: str) -> bool:
    """Tell whether a label may be meant by another: misspelt, or of the same owner."""
    owner = key.partition("/")[0] if "/" in key else ""
    is_own = owner not in ("", _SERVER) and other.startswith(f"{owner}/")
    return key == other or is_own or only_near(key, [other]) is not None
