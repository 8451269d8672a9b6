"""The image updater's rule can order the existing tags; otherwise it never updates."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files, Subject
from tarmac.check.gates.views.argo.applications import App, applications
from tarmac.check.gates.views.argo.followed import PACKED, followed
from tarmac.check.gates.views.argo.projects import Project, project_of
from tarmac.check.gates.views.argo.trees import service_of
from tarmac.check.gates.views.objects.metadata import kind_of, name_of
from tarmac.check.gates.views.pipelines.shell import commands
from tarmac.check.gates.views.scope import counted_in_files

UPDATER = "argocd-image-updater.argoproj.io/"
_WRITE_BACK = f"{UPDATER}write-back-method"
#: What Argo CD has to see, group and kind, to tell which images run.
RUN = (("apps", "ReplicaSet"), ("", "Pod"))

SEMVER = re.compile(r"v?\d+\.\d+\.\d+(?:[-+][0-9A-Za-z.+-]+)?")
_SHA = re.compile(
    r"\b(?:docker|podman|buildah)\b.*?\S:[^\s:/]*?(\$\{\{\s*github\.sha\s*\}\}|\$\{?GITHUB_SHA\b\}?"
    r"|\$\{?CI_COMMIT(?:_SHORT)?_SHA\b\}?|\$\(git rev-parse[^)]*\))"
)


def check(subject: Subject) -> Iterator[Finding]:
    """Yield rules that do not fit the model's tags, or that cannot write back."""
    images = {service.name: service.image for service in subject.plan.services}
    for app in applications(subject):
        for rule in rules(app):
            image = images.get(service_of(subject, app) or "", "")
            tag = "" if "@" in image else image.rpartition(":")[2]
            if "@" in image and rule.strategy != "digest":
                what = f"`{rule.strategy}` orders tags, and the image has a digest"
                yield Finding(rule.where, f"{app.title}: {what}; name a tag, or no updater")
            elif rule.strategy == "semver" and tag and not SEMVER.fullmatch(tag):
                yield _unordered(rule, tag, "`updater: newest-build`")
            yield from _always(subject, rule)
            if any("helm" not in source.tools and "kustomize/" not in str(source.path)
                   for source in app.sources[:1]):  # fmt: skip
                yield _plain(rule, "write `source: kustomize` or `source: helm`")


def of_files(files: Files) -> Iterator[Finding]:
    """Yield rules that do not fit the tags which scripts and pipelines make."""
    tags = [(c, found[1]) for c in commands(files) if (found := _SHA.search(c.text))]
    there: dict[tuple[str, str], set[str]] = {}
    healers: dict[tuple[str, str], App] = {}
    for one in followed(files):
        for child in one.artifacts if one.app.heals else ():
            if kind_of(child) == "Application" and not _leaves(one.app):
                healers[child.path, name_of(child)] = one.app
        names = {posixpath.basename(artifact.path) for artifact in one.artifacts}
        there.setdefault((one.app.artifact.path, one.app.name), set()).update(names)
    for app in applications(files):
        names = there.get((app.artifact.path, app.name), set())
        for rule in rules(app):
            # A command names an image, or any of a matrix.
            made = [(c, t) for c, t in tags if f"/{rule.image}:" in c.text or "matrix." in c.text]
            if rule.strategy == "semver" and made:
                advice = f"newest-build, and {rule.alias}.allow-tags: regexp:^[0-9a-f]{{40}}$"
                yield _unordered(rule, f"{made[0][1]} ({made[0][0].where})", advice)
            yield from _always(files, rule, healers.get((app.artifact.path, app.name)))
            told = any(source.tools for source in app.sources)
            if names and not told and not names & {*PACKED}:
                yield _plain(rule, "put a kustomization.yaml there that names the image")


def _unordered(rule: Rule, tag: str, advice: str) -> Finding:
    what = f"`semver` cannot order the tag {tag} of {rule.image}: it orders releases (1.4.0) only"
    return Finding(rule.where, f"{rule.app.title}: {what}. Tag releases, or write {advice}")


def _leaves(app: App) -> bool:
    """Tell whether an Application leaves something of Applications to others."""
    return any(one.kind in ("Application", "*") for one in app.ignored)


def _always(files: Files, rule: Rule, healer: App | None = None) -> Iterator[Finding]:
    """Yield what is wrong with a rule whatever the tags are."""
    project = project_of(files, rule.app)
    if project and (unseen := [kind for kind in RUN if not _allows(project, *kind)]):
        kinds = " and ".join(f"`{{group: '{group}', kind: {kind}}}`" for group, kind in unseen)
        what = (
            f"project {rule.app.project} hides what runs, and the updater updates only images that "
            f"run; add {kinds} to namespaceResourceWhitelist"
        )
        yield Finding(rule.where, f"{rule.app.title}: {what}")
    if rule.strategy == "newest-build" and not rule.allowed.startswith("regexp:"):
        what = (
            f"{rule.app.title}: `newest-build` without allow-tags takes the last tag pushed, a "
            "cache or a branch included; name the pipeline's tags: regexp:^sha-[0-9a-f]{12}$"
        )
        yield Finding(rule.where, what)
    if rule.written.partition(":")[0] == "git":
        return
    if healer is not None and healer.name != rule.app.name:
        what = (
            f"{rule.app.title}: the updater writes the new tag into it, and {healer.title}, which"
        )
        why = "makes it from Git and heals itself, takes that out again, without end; write"
        yield Finding(rule.written_at, f"{what} {why} `write-back-method: git`")
    else:
        what = (
            f"{rule.app.title}: the updater writes into the cluster, not to git, so a rebuilt "
            "cluster runs another version; write `write-back-method: git`"
        )
        yield Finding(rule.where, what)


def _allows(project: Project, group: str, kind: str) -> bool:
    """Tell whether Argo CD looks at a kind for a project: without a list, at every one."""
    found = project.namespace_kinds
    return not found or any(g in (group, "*") and k in (kind, "*") for g, k in found)


def _plain(rule: Rule, advice: str) -> Finding:
    what = "the updater changes charts and kustomizations, and this is a plain folder"
    return Finding(rule.where, f"{rule.app.title}: {what}; {advice}")


def _rules(files: Files) -> Iterator[Rule]:
    for app in applications(files):
        yield from rules(app)


@dataclass(frozen=True)
class Rule:
    """How the image updater is to move one image of an Application on."""

    app: App
    #: Its name without registry and tag, and the word that its annotations begin with.
    image: str
    alias: str
    strategy: str
    #: Which tags it may take, as it is written.
    allowed: str
    #: Where it writes what it finds.
    written: str
    #: The line of its strategy, or of the list of images.
    where: str
    #: The line of where it writes, or that of its strategy.
    written_at: str


def rules(app: App) -> Iterator[Rule]:
    """Yield the image updater's rules for an Application, what it takes without among them."""
    annotations = app.metadata.annotations
    own = [key for key in annotations if key.startswith(UPDATER)]
    said = {key.removeprefix(UPDATER): str(annotations[key] or "") for key in own}
    for entry in said.get("image-list", "").split(","):
        alias, equals, image = entry.strip().partition("=")
        name = re.split("[@:]", (image if equals else alias).rpartition("/")[2])[0]
        keys = [key for key in (f"{alias}.update-strategy", "update-strategy") if key in said]
        where = app.at("metadata", "annotations", UPDATER + [*keys, "image-list"][0])
        is_said = "write-back-method" in said
        if name:
            yield Rule(
                app=app,
                image=name,
                alias=alias,
                strategy=said[keys[0]] if keys else "semver",
                allowed=said.get(f"{alias}.allow-tags", said.get("allow-tags", "")),
                written=said.get("write-back-method", "argocd"),
                where=where,
                written_at=app.at("metadata", "annotations", _WRITE_BACK) if is_said else where,
            )


GATE = Gate(
    id="GIT005",
    title="The image updater sees images, can order their tags, and writes to git",
    phase="gitops",
    source="tags made of a commit's hash have no order, so `semver` never takes one (the shop's "
    "roadmap has both); https://argocd-image-updater.readthedocs.io",
    check=check,
    scope=counted_in_files("image updater rules", _rules),
    of_files=of_files,
    reads="the annotations of Applications beside the tags that the model says; of files "
    "without a plan, beside those that scripts and workflows give images. The registry's "
    "contents are not checked.",
)
