"""What lets a pipeline into AWS without a key: the provider, and each role's trust and permissions.

The files are what `aws iam create-open-id-connect-provider`, `create-role` and `put-role-policy`
take. A role trusts jobs of this repository alone, on its main branch or in an environment of it,
and may do what that job's commands do in its registry, and no more.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from tarmac.base.artifact import Artifact
from tarmac.model.delivery import Delivery
from tarmac.plan.cluster import ClusterPlan
from tarmac.render.pipelines.parts import aws, signing
from tarmac.render.pipelines.parts import github_steps as g
from tarmac.render.pipelines.parts import pipeline as p
from tarmac.render.pipelines.parts import stages as st
from tarmac.render.renderer import Renderer

FOLDER = "infra/github-oidc"
#: https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-push-iam.html
PULL = ("ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
PUSH = (
    "ecr:BatchCheckLayerAvailability",
    "ecr:InitiateLayerUpload",
    "ecr:UploadLayerPart",
    "ecr:CompleteLayerUpload",
    "ecr:PutImage",
)


def _repositories(plan: ClusterPlan, registry: str) -> list[str]:
    """List the repositories of the system's images in a registry of ECR."""
    if not (found := st.ECR.match(registry)):
        return []
    prefix = registry.partition("/")[2]
    arn = f"arn:aws:ecr:{found['region']}:{found['account']}:repository"
    return ["/".join(filter(None, (arn, prefix, service.name))) for service in plan.services]


def _deploys(plan: ClusterPlan, stage: st.Stage, account: str) -> dict[str, Any]:
    """Return what an environment's role does: reach its cluster, or copy images into its own."""
    own = stage.settings.registry or ""
    if stage.by == "helm":
        region = stage.settings.region or "us-east-1"
        cluster = f"arn:aws:eks:{region}:{account}:cluster/*"  # vars.EKS_CLUSTER names it
        reads = [aws.allow(PULL, _repositories(plan, own))] if signing.wanted(plan) else []
        return aws.permissions(aws.allow(["eks:DescribeCluster"], cluster), *reads)
    before = next((e for e in st.stages(plan) if e.name == stage.after), None)
    source = (before.settings.registry or "") if before else st.registry(plan)
    pulled = _repositories(plan, source) if source != own else []
    return aws.permissions(
        aws.allow((*PULL, *PUSH), _repositories(plan, own)),
        *([aws.allow(PULL, pulled)] if pulled else []),
    )


def _roles(
    plan: ClusterPlan, delivery: Delivery
) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Yield each role by its name, with its trust and its permissions."""
    of, stages = f"repo:{g.repository(delivery.repository)}", st.stages(plan)
    if pushed := st.ECR.match(st.registry(plan)):
        subjects = [f"{of}:ref:refs/heads/{delivery.branch}"]
        if any(stage.by == "release" for stage in stages):
            subjects.append(f"{of}:ref:refs/tags/{g.VERSIONS}")
        allowed = aws.allow((*PULL, *PUSH), _repositories(plan, st.registry(plan)))
        yield "ci-push", aws.trust(pushed["account"], subjects), aws.permissions(allowed)
    for stage in stages:
        if found := st.ECR.match(stage.settings.registry or ""):
            subjects = [f"{of}:environment:{stage.name}"]
            account = found["account"]
            yield (
                f"ci-deploy-{stage.name}",
                aws.trust(account, subjects),
                _deploys(plan, stage, account),
            )


def render(plan: ClusterPlan) -> Iterable[Artifact]:
    """Yield the provider and the roles, where the model names GitHub and AWS is reached."""
    delivery = plan.delivery
    if delivery is None or "github" not in delivery.pipelines:
        return
    roles = [*_roles(plan, delivery)]
    if roles:
        yield Artifact(f"{FOLDER}/provider.json", p.as_json(aws.provider()), plan.model)
    for name, trusts, permissions in roles:
        yield Artifact(f"{FOLDER}/{name}.json", p.as_json(trusts), plan.model)
        yield Artifact(f"{FOLDER}/{name}.permissions.json", p.as_json(permissions), plan.model)


RENDERER = Renderer(
    id="cloud-roles",
    phase="delivery",
    title="AWS without keys: the OIDC provider, and each role's trust and permissions",
    render=render,
    targets=("repository",),
)
