"""How a change gets from a commit into an environment, and how far it is trusted on its way."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from tarmac.model.value import Duration, Name, Strict

#: A repository that a browser finds, too; no credentials stand in it.
RepositoryUrl = Annotated[str, StringConstraints(pattern=r"^https://[^\s@/]+(/[^\s@/]+)+$")]
#: A branch or tag of git.
Revision = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._/-]+$")]
#: A folder of a repository, relative to its root.
FolderPath = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*$")]


class Delivery(Strict):
    """Where the code is, where the rendered files are, and what leads from one to the other."""

    repository: RepositoryUrl = Field(description="Of the code and of this file.")
    gitops: RepositoryUrl | None = Field(
        default=None, description="Of the rendered files: clusters follow it, and only it."
    )
    branch: Revision = Field(default="main", description="What is delivered from.")
    pipelines: tuple[Literal["github", "gitlab"], ...] = Field(
        default=("github",), description="Whose pipelines are rendered."
    )
    owners: tuple[str, ...] = Field(
        default=(), description="Who reviews changes: `@acme/platform`; the system's owner without."
    )


class Gitops(Strict):
    """What Argo CD keeps the environment equal to."""

    project: Name | None = Field(default=None, description="Its AppProject; the system's name.")
    path: FolderPath | None = Field(
        default=None,
        description="Where this environment's rendered files are in the repository; "
        "`environments/` and its name without.",
    )
    revision: Revision = "main"
    source: Literal["tree", "helm", "kustomize"] = Field(
        default="tree", description="Which of the rendered forms is applied."
    )
    applications: Literal["each", "set"] = Field(
        default="each",
        description="An Application per service below one root, or an ApplicationSet over a list.",
    )
    updater: Literal["semver", "newest-build"] | None = Field(
        default=None, description="The rule by which Argo CD Image Updater writes new tags to git."
    )


class Rollout(Strict):
    """How a new version is tried on a part of the traffic before it gets all of it."""

    by: Literal["flagger", "argo"]
    services: tuple[Name, ...] = Field(
        default=(), description="Those tried so; without, the ones that have an objective."
    )
    weights: tuple[Annotated[int, Field(ge=1, le=100)], ...] = Field(
        default=(10, 20, 30, 40, 50), min_length=1, description="Percent of the traffic, by step."
    )
    every: Duration = Field(default=60.0, description="How long each step is looked at.")
    failures: int = Field(default=5, ge=1, description="Bad looks after which it is taken back.")
    success: float = Field(default=99, gt=0, lt=100, description="Percent without a 5xx, at least.")
    p99: Duration = Field(default=0.5, description="99 of 100 requests are faster.")
    requests: int = Field(
        default=10, ge=1, description="Fewer in a look say nothing; it counts as a bad one."
    )
