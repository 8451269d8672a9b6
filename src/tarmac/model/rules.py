"""Rules of one's own without code: `tarmac-rules.yaml`, beside `tarmac.yaml` or files.

The command line reads it; each rule becomes a gate. Its examples decide whether it is right.
"""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from tarmac.model.checklist import Words
from tarmac.model.value import StrictModel

Pattern = Annotated[str, Field(min_length=1)]


class Rule(StrictModel):
    """What has to hold of each object of some kinds, or of each document of some files."""

    id: str = Field(
        pattern=r"^[A-Z]{3}[0-9]{3}$", description="Three capital letters and three digits: ORG001."
    )
    title: Words = Field(description="What holds when it passes, as a sentence.")
    phase: str = Field(description="The phase of a checklist that it belongs to.")
    source: Words = Field(description="The reason for it.")
    kinds: tuple[Pattern, ...] = Field(
        default=(), description="Kinds of Kubernetes objects: Deployment. `*` stands for all."
    )
    files: tuple[Pattern, ...] = Field(
        default=(), description="Patterns of other files of YAML, JSON or HCL: compose*.yaml."
    )
    expression: Words = Field(
        description="In CEL: true where the rule holds of `object`. As in Kubernetes' policies."
    )
    message: Words = Field(default="", description="What is wrong and what to do.")
    message_expression: Words = Field(
        default="", description="The same in CEL, with names and values of `object`."
    )
    at: str = Field(default="", description="The part that a finding points at: spec.template.")
    warning: bool = Field(default=False, description="A finding does not fail.")
    good: tuple[dict[str, Any], ...] = Field(
        min_length=1, description="Objects of which it holds; parts are enough."
    )
    bad: tuple[dict[str, Any], ...] = Field(
        min_length=1, description="Objects of which it does not hold; parts are enough."
    )

    @model_validator(mode="after")
    def _says_what(self) -> Self:
        if not (self.kinds or self.files):
            raise ValueError("selects nothing; write `kinds`, or `files`")
        if bool(self.message) == bool(self.message_expression):
            raise ValueError("needs one of `message` and `message_expression`")
        return self


class RuleFile(StrictModel):
    """What stands in `tarmac-rules.yaml`."""

    rules: tuple[Rule, ...]
