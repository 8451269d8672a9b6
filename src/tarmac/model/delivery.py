"""How a change gets from a commit into an environment, and how far it is trusted on its way."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from tarmac.model.texts import Digest, Owner, RepositoryUrl
from tarmac.model.value import Duration, Name, StrictModel

#: A branch or tag of git.
Revision = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._/-]+$")]
#: A sentence that every text format takes as it is.
ABOUT = r"^[A-Za-z0-9][A-Za-z0-9 ,.;:()/'-]*$"
#: A folder of a repository, relative to its root.
FolderPath = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*$")]


class Root(StrictModel):
    """A top folder of the repository, with its reviewers."""

    about: Annotated[str, StringConstraints(pattern=ABOUT)] = Field(
        description="What the folder holds, as its README.md says it."
    )
    owners: tuple[Owner, ...] = Field(
        min_length=1, description="The reviewers of changes below it: `@acme/data`."
    )


class BaseImages(StrictModel):
    """What the Dockerfile of the kit's services begins with, by content."""

    builder: Digest | None = Field(default=None, description="The digest of its `BUILDER`.")
    runtime: Digest | None = Field(default=None, description="The digest of its `RUNTIME`.")


class Delivery(StrictModel):
    """Where the code is, where the rendered files are, and what leads from one to the other."""

    repository: RepositoryUrl = Field(description="The repository of the code and of this file.")
    gitops: RepositoryUrl | None = Field(
        default=None,
        description="The repository of the rendered files, the only one that clusters follow.",
    )
    branch: Revision = Field(default="main", description="The branch that is delivered.")
    pipelines: tuple[Literal["github", "gitlab"], ...] = Field(
        default=("github",), description="The CI system of the rendered pipelines."
    )
    signatures: Literal["cosign"] | None = Field(
        default=None,
        description="cosign: pipelines sign each image by their own identity, and deliver none "
        "without that signature; names and digests of images become public in Sigstore's log.",
    )
    terraform: bool = Field(
        default=False,
        description="Terraform of all environments in AWS, in that repository: `infrastructure`, "
        "with a folder for each one's values.",
    )
    terragrunt: bool = Field(
        default=False,
        description="Terragrunt's layout of the environments in AWS, in that repository: "
        "`infra/envs`.",
    )
    owners: tuple[Owner, ...] = Field(
        default=(),
        description="The reviewers of changes: `@acme/platform`; default: the system's owner.",
    )
    base_images: BaseImages = Field(
        default=BaseImages(),
        description="Digests of the images that the Dockerfile begins with: `sha256:...`; a build "
        "then takes these, whatever their tags have become.",
    )
    roots: dict[Name, Root] = Field(
        default={},
        description="Top folders of that repository, such as `infra`: each gets a README.md and "
        "lines in CODEOWNERS.",
    )


class Gitops(StrictModel):
    """What Argo CD keeps the environment equal to."""

    project: Name | None = Field(
        default=None, description="Its AppProject; default: the system's name."
    )
    path: FolderPath | None = Field(
        default=None,
        description="Where this environment's rendered files are in the repository; "
        "`environments/` and its name without.",
    )
    revision: Revision = Field(default="main", description="The branch or tag to follow.")
    source: Literal["tree", "helm", "kustomize"] = Field(
        default="tree", description="The rendered form that is applied."
    )
    applications: Literal["each", "set"] = Field(
        default="each",
        description="An Application per service below one root, or an ApplicationSet over a list.",
    )
    updater: Literal["semver", "newest-build"] | None = Field(
        default=None, description="The rule by which Argo CD Image Updater writes new tags to git."
    )


class Rollout(StrictModel):
    """How a new version is tried on a part of the traffic before it gets all of it."""

    by: Literal["flagger", "argo"] = Field(description="The controller that runs it.")
    services: tuple[Name, ...] = Field(
        default=(), description="The services with canaries; default: those with an objective."
    )
    weights: tuple[Annotated[int, Field(ge=1, le=100)], ...] = Field(
        default=(10, 20, 30, 40, 50), min_length=1, description="Percent of the traffic, by step."
    )
    every: Duration = Field(default=60.0, description="The interval between two analysis runs.")
    failures: int = Field(
        default=5,
        ge=1,
        description="Failed analysis runs before the rollback. Runs fail until a new version has "
        "been scraped twice (60 s) and has had `requests`: leave it time for that.",
    )
    success: float = Field(default=99, gt=0, lt=100, description="Percent without a 5xx, at least.")
    p99: Duration = Field(default=0.5, description="99 of 100 requests must be faster.")
    requests: int = Field(
        default=10, ge=1, description="An analysis run with fewer requests fails."
    )
