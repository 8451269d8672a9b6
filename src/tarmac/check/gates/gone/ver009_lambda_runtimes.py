"""Lambda still makes and changes functions of the runtimes that files name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tarmac.base.foreign.reading import dig, fields, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.gone import gone
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.terraform.settings import settings

#: Resources of CloudFormation, and of what SAM makes of it.
_TYPES = ("AWS::Lambda::Function", "AWS::Serverless::Function")
#: Where it stands, and the runtime.
_Named = tuple[str, str]


def check(files: Files) -> Iterator[Finding]:
    """Yield functions that cannot be made."""
    known = gone("runtimes")["lambda"]
    for where, runtime in _named(files):
        one = known.get(runtime)
        if one and one["since"] <= files.today:
            what = f"Lambda makes and changes no function of {runtime} since {one['since']}"
            yield Finding(where, f"{what}; take {one['instead']}")


@once
def _named(files: Files) -> Iterator[_Named]:
    for setting in settings(files):
        is_function = setting.path[:2] == ("resource", "aws_lambda_function")
        if is_function and setting.name == "runtime" and len(setting.path) == 4 and setting.value:
            yield setting.where, setting.value
    for artifact in files.artifacts:
        resources = fields(artifact.data, "Resources") if isinstance(artifact.data, Mapping) else {}
        for name in resources:
            if dig(resources, name, "Type") in _TYPES:
                runtime = string(dig(resources, name, "Properties"), "Runtime")
                yield artifact.at("Resources", name, "Properties", "Runtime"), runtime


GATE = Gate(
    id="VER009",
    title="Lambda makes functions of the runtimes that files name",
    phase="infrastructure",
    source="https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html#runtimes-deprecated",
    check=check,
    of_files=check,
    scope=counted_in_files("functions", _named),
    targets=("repository",),
    reads="`runtime` of aws_lambda_function with the values that are known, and Runtime of "
    "functions in templates of CloudFormation and SAM. A function that is there goes on.",
)
