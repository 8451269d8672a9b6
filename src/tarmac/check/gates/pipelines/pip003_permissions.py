"""A pipeline has no more rights than it needs, and no key that lives longer than a job."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.pipelines.jobs import Job, writable
from tarmac.check.gates.views.pipelines.workflows import Workflow, workflows
from tarmac.check.gates.views.scope import counted_in_files

#: Actions that exchange the job's identity for a cloud's or a signer's.
ASKS = re.compile(
    r"^(aws-actions/configure-aws-credentials|google-github-actions/auth|azure/login"
    r"|actions/attest|sigstore/|pypa/gh-action-pypi-publish|codecov/|hashicorp/vault-action)",
    re.IGNORECASE,
)
KEYS = re.compile(
    r"secrets\.(\w*(?:AWS_ACCESS_KEY|AWS_SECRET|SECRET_ACCESS_KEY|AZURE_CREDENTIALS"
    r"|AZURE_CLIENT_SECRET|GCP_SA_KEY|GOOGLE_CREDENTIALS|GCLOUD_SERVICE_KEY)\w*)",
    re.IGNORECASE,
)


def check(subject: Files) -> Iterator[Finding]:
    """Yield permissions that are too wide or not used, and long-lived keys of a cloud."""
    for workflow in workflows(subject):
        yield from _whole(workflow)
        for name, job in workflow.jobs.items():
            yield from _job(workflow, name, job)
        for key in sorted({m[1] for t in workflow.texts for m in KEYS.finditer(t)}):
            what = f"secrets.{key} is a key that does not expire; let the job assume a role"
            yield Finding(workflow.line(key), f"{what} by `id-token: write` (OIDC)")


def _whole(workflow: Workflow) -> Iterator[Finding]:
    if not workflow.has_permissions:
        if all(job.has_permissions for job in workflow.jobs.values()):
            return
        what = "it has no `permissions`, so the organisation's default applies, often to write"
        yield Finding(workflow.path, f"{what}; begin with `permissions: {{contents: read}}`")
    elif written := writable((workflow.written or workflow.artifact).data.get("permissions")):
        what = f"every job may write {', '.join(written)}; grant that to the job that needs it"
        yield Finding(workflow.line("permissions:"), what)


def _job(workflow: Workflow, name: str, job: Job) -> Iterator[Finding]:
    where, written = workflow.line(f"{name}:"), job.writes
    if "everything" in written:
        yield Finding(where, f"job {name} may write everything; name what it needs")
    asks = any(ASKS.match(step.uses) for step in job.steps) or job.calls_workflow
    asks = asks or any("ACTIONS_ID_TOKEN_REQUEST" in text for text in job.texts)
    if "id-token" in written and not asks:
        yield Finding(where, f"job {name} has `id-token: write` and does not use it; remove it")
    for step in job.steps:
        if "role-to-assume" in step.inputs and "id-token" not in {*written, *workflow.writes}:
            yield Finding(
                where, f"job {name} assumes a role, which needs `id-token: write`; add it"
            )


def of_files(files: Files) -> Iterator[Finding]:
    """Yield the same of files, as warnings: their owner has agreed to no rule."""
    yield from (replace(found, warning=True) for found in check(files))


GATE = Gate(
    id="PIP003",
    title="Workflow permissions are minimal, and no cloud key is stored",
    phase="delivery",
    source="https://docs.github.com/en/actions/concepts/security/openid-connect: a stolen key "
    "works for years, a job's identity for minutes",
    check=check,
    of_files=of_files,
    of_objects=False,
    scope=counted_in_files("workflows", workflows),
    reads="`permissions` of all files of .github/workflows, and names of secrets.",
    targets=("repository",),
)
