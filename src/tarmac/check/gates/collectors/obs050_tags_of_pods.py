"""The filter of Kubernetes finds pods by the tags that its inputs give."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import NamedTuple

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.servers.fluent_bit import FluentBit, Section, fluent_bits

#: The prefix of a tag behind which a filter looks for the name of a pod, by itself.
_PREFIX = "kube.var.log.containers."
_LOGS = re.compile(r"/var/log/containers/")


class TaggedInput(NamedTuple):
    """An input of containers' logs, and a filter that looks for their pods."""

    own: FluentBit
    tag: str
    prefix: str


def check(files: Files) -> Iterator[Finding]:
    """Yield filters that find no pod, as the tags begin with something else."""
    for one in _tagged(files):
        if not one.tag.endswith("*") or "$" in one.tag or "$" in one.prefix:
            continue
        whole = f"{one.tag[:-1]}var.log.containers."
        if not whole.startswith(one.prefix):
            what = f"{one.own.title}: an input gives the tag {one.tag}, and the filter kubernetes"
            said = f"{what} looks for pods behind {one.prefix}: records stay without pod and labels"
            advice = f"write Kube_Tag_Prefix {whole}"
            yield Finding(one.own.where, f"{said}; {advice}")


@once
def _tagged(files: Files) -> Iterator[TaggedInput]:
    for own in fluent_bits(files):
        if own.lacking:
            continue
        filters = [one for one in own.sections if one.name == "FILTER" and _is(one, "kubernetes")]
        inputs = [one for one in own.sections if one.name == "INPUT" and _is(one, "tail")]
        rewritten = any(_is(one, "rewrite_tag") for one in own.sections)
        for one in inputs if not rewritten else ():
            tag = next(iter(one.values("tag")), "")
            is_of_pods = any(map(_LOGS.search, one.values("path"))) and not one.values("tag_regex")
            for its in filters if tag and is_of_pods else ():
                match = next(iter(its.values("match")), "")
                is_other = its.values("use_kubelet") and its.values("match_regex")
                if fnmatchcase(tag.replace("*", "x"), match) and not is_other:
                    prefix = next(iter(its.values("kube_tag_prefix")), _PREFIX)
                    yield TaggedInput(own, tag, prefix)


def _is(section: Section, name: str) -> bool:
    return name in [one.lower() for one in section.values("name")]


GATE = Gate(
    id="OBS050",
    title="The filter of Kubernetes finds pods by the tags that its inputs give",
    phase="observability",
    source="https://docs.fluentbit.io/manual/pipeline/filters/kubernetes#workflow-of-tail-and-"
    "kubernetes-filter: what stands behind Kube_Tag_Prefix is the name of the log's file, "
    "kube.var.log.containers. by itself",
    check=check,
    of_files=check,
    alone=True,
    scope=counted_in_files("inputs of containers' logs", _tagged),
    targets=(),
    reads="inputs of the kind tail below /var/log/containers beside filters of the kind kubernetes "
    "that match their tags, in classic configurations. Where tags are rewritten, nothing is "
    "told. Judges files without a plan only.",
)
