"""The developer portal that lists a system: what its catalogue says beyond what the model has."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from tarmac.model.texts import BaseUrl
from tarmac.model.value import StrictModel


class Portal(StrictModel):
    """The portal, and how the system stands in its catalogue."""

    kind: Literal["backstage"] = Field(description="The portal: Backstage.")
    lifecycle: Literal["experimental", "production", "deprecated"] = Field(
        default="production", description="The lifecycle of every service and API."
    )
    groups: Literal["rendered", "directory"] = Field(
        default="rendered",
        description="rendered: a Group for each owner, in the system's own namespace. directory: "
        "the portal reads teams from a directory, where they are `group:default/TEAM`.",
    )
    argocd: BaseUrl | None = Field(
        default=None, description="The address of Argo CD's pages, to which the form links."
    )
    template: bool = Field(
        default=False,
        description="A form for a new service, whose steps make the files of `tarmac new service`.",
    )
