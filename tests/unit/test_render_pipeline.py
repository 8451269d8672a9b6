"""The pipelines that are rendered: what runs when, with which rights, and what writes where."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
from demo_system import KINDS, demo
from rendered import ROOT, artifact_of, artifacts_of, plan_of

from tarmac import render
from tarmac.base import registry, versions
from tarmac.base.artifact import write
from tarmac.plan.deploy import deploy
from tarmac.render.collect import artifacts
from tarmac.render.pipelines.parts import pipeline, stages

SYSTEMS = ("shop", "starter", "trading", "travel")
RENDERERS = registry.load(render, "RENDERER")
CI = ".github/workflows/ci.yml"


def workflow(system):
    return artifact_of(system, "repository", CI).data


def jobs(system):
    return workflow(system)["jobs"]


def data(system):
    return json.loads(artifact_of(system, "repository", "ci/services.json").content)


def scripts(job):
    return "\n".join(step.get("run", "") for step in job["steps"])


@pytest.mark.parametrize("system", SYSTEMS)
def test_it_runs_on_a_push_and_a_pull_request_to_main(system):
    on = workflow(system)["on"]
    assert on["push"]["branches"] == ["main"]
    assert on["pull_request"] == {"branches": ["main"]}
    assert ("tags" in on["push"]) == (system == "shop"), "an updater looks for versions there"


@pytest.mark.parametrize("system", SYSTEMS)
def test_lint_and_test_run_at_once_and_images_wait_for_both_and_only_on_main(system):
    graph = jobs(system)
    for name in ("lint", "test"):
        assert graph[name]["needs"] == ["detect-changes"]
        assert graph[name]["if"] == "needs.detect-changes.outputs.services != '[]'"
    build = graph["build-and-scan"]
    assert build["needs"] == ["detect-changes", "lint", "test"]
    assert build["if"].startswith("github.event_name == 'push' && ")
    assert build["strategy"]["matrix"] == "${{ fromJSON(needs.detect-changes.outputs.matrix) }}"


@pytest.mark.parametrize("system", SYSTEMS)
def test_an_image_is_scanned_before_the_job_has_any_right_to_push_it(system):
    names = [step["name"] for step in jobs(system)["build-and-scan"]["steps"]]
    order = ("Build", "Scan", "A role of AWS", "Log in to the registry", "Push what was scanned")
    assert [name for name in names if name in order] == list(order)
    push = scripts(jobs(system)["build-and-scan"])
    assert 'scripts/ci push "$SERVICE" "$REGISTRY" "sha-${GITHUB_SHA:0:12}"' in push


@pytest.mark.parametrize("system", SYSTEMS)
def test_only_jobs_that_take_a_role_have_an_identity_and_nothing_else_is_written(system):
    assert workflow(system)["permissions"] == {"contents": "read"}
    for name, job in jobs(system).items():
        roles = [step for step in job["steps"] if "role-to-assume" in step.get("with", {})]
        rights = job.get("permissions", {})
        signs = "scripts/ci sign" in scripts(job)
        assert (rights.get("id-token") == "write") == bool(roles or signs), name
        writes = {right for right, value in rights.items() if value == "write"} - {"id-token"}
        assert writes == ({"pull-requests"} if name == "comment" else set())


def of_roles(system):
    """Read what lets the pipeline into AWS, by the files' names without their ends."""
    folder = "infra/github-oidc/"
    return {
        artifact.path.removeprefix(folder).removesuffix(".json"): json.loads(artifact.content)
        for artifact in artifacts_of(system, "repository")
        if artifact.path.startswith(folder)
    }


@pytest.mark.parametrize("system", SYSTEMS)
def test_roles_trust_an_identity_provider_that_is_rendered_with_them(system):
    files = of_roles(system)
    roles = {name for name in files if name.startswith("ci-") and "." not in name}
    assert ("provider" in files) is bool(roles)
    assert {f"{name}.permissions" for name in roles} == {n for n in files if "." in n}
    for name in roles:
        assert files["provider"]["ClientIDList"] == ["sts.amazonaws.com"]
        (statement,) = files[name]["Statement"]
        issuer = files["provider"]["Url"].removeprefix("https://")
        assert statement["Principal"]["Federated"].endswith(f":oidc-provider/{issuer}")
        assert statement["Condition"]["StringEquals"] == {f"{issuer}:aud": "sts.amazonaws.com"}


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_role_may_write_the_systems_own_images_and_nothing_else(system):
    plan = plan_of(system, "repository")
    names = {service.name for service in plan.services}
    for name, policy in of_roles(system).items():
        if not name.endswith(".permissions"):
            continue
        for statement in policy["Statement"]:
            actions, where = statement["Action"], statement["Resource"]
            assert not [action for action in actions if "*" in action]
            if where == "*":
                assert actions == ["ecr:GetAuthorizationToken"]
            elif "ecr:PutImage" in actions:
                assert {arn.rpartition("/")[2] for arn in where} == names
                assert {"ecr:UploadLayerPart", "ecr:BatchGetImage"} <= set(actions)
            else:
                assert actions in (
                    ["eks:DescribeCluster"],
                    ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
                )
        if name == "ci-push.permissions":
            assert "ecr:PutImage" in policy["Statement"][1]["Action"]


def test_the_shops_role_pushes_into_the_registry_of_its_images():
    policy = of_roles("shop")["ci-push.permissions"]
    assert policy["Statement"][1]["Resource"] == [
        f"arn:aws:ecr:us-east-1:123456789012:repository/ecommerce/{service.name}"
        for service in plan_of("shop", "production").services
    ]


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_role_trusts_this_repository_on_main_or_in_its_environment_alone(system):
    files = {artifact.path: artifact for artifact in artifacts_of(system, "repository")}
    policies = {n: role for n, role in of_roles(system).items() if n != "provider" and "." not in n}
    url = plan_of(system, "repository").delivery.repository
    own = f"repo:{url.removeprefix('https://github.com/')}:"
    for name, policy in policies.items():
        (statement,) = policy["Statement"]
        assert statement["Action"] == "sts:AssumeRoleWithWebIdentity"
        conditions = statement["Condition"]
        assert list(conditions["StringEquals"].values()) == ["sts.amazonaws.com"]
        (subjects,) = conditions["StringLike"].values()
        assert all(subject.startswith(own) for subject in subjects)
        rest = [subject.removeprefix(own) for subject in subjects]
        if name == "ci-push":
            assert rest[0] == "ref:refs/heads/main"
            assert rest[1:] == (["ref:refs/tags/v*.*.*"] if system == "shop" else [])
        else:
            assert rest == [f"environment:{name.removeprefix('ci-deploy-')}"]
    taken = {
        step["with"]["role-to-assume"].rpartition("/")[2].removeprefix(f"{system}-")
        for job in jobs(system).values()
        for step in job["steps"]
        if "role-to-assume" in step.get("with", {})
    }
    assert taken <= set(policies)
    assert not re.search(r"AWS_ACCESS_KEY|AWS_SECRET", write(files[CI], ""))


def test_production_waits_for_a_person_and_staging_does_not():
    def rules(system, environment):
        path = f".github/environments/{environment}.json"
        return json.loads(artifact_of(system, "repository", path).content)

    assert rules("travel", "prod")["reviewers"] == ["tarmac-examples/platform-team"]
    assert rules("travel", "stg")["reviewers"] == []
    assert rules("shop", "production")["prevent_self_review"] is True
    assert jobs("travel")["deploy-prod"]["environment"] == {"name": "prod"}
    assert jobs("travel")["deploy-prod"]["needs"] == ["deploy-stg"]
    assert jobs("travel")["deploy-stg"]["environment"] == {"name": "stg"}


def test_each_environment_has_one_writer():
    def found(system):
        found = stages.stages(plan_of(system, "repository"))
        return {stage.name: stage.by for stage in found}

    # dev is its image updater's, which writes the newest build; a second region gets what the first
    # one runs.
    assert found("travel") == {"stg": "bump", "prod": "promote", "dr": "promote"}
    # Every build of main is on staging; production takes what a version is put on.
    assert found("shop") == {"staging": "bump", "production": "release"}
    assert found("starter") == {"production": "bump"}
    assert found("trading") == {"production": "helm"}
    assert "scripts/bump prod .gitops --from stg" in scripts(jobs("travel")["deploy-prod"])
    assert "scripts/bump production .gitops" in scripts(jobs("starter")["deploy-production"])


def test_trading_deploys_with_helm_and_notices_a_rollout_that_fails():
    script = scripts(jobs("trading")["deploy-production"])
    assert 'helm upgrade --install "$SERVICE" .deploy/charts/service' in script
    assert "--wait --atomic --timeout 5m" in script
    assert '--set "image.digest=$(cat "$DIGEST")"' in script
    values = (ROOT / "src/tarmac/assets/chart/service/values.yaml").read_text()
    assert re.search(r"^image:\n(  .*\n)*  digest:", values, re.MULTILINE)


def test_a_newer_commit_ends_a_pull_requests_run_and_never_one_of_main():
    said = workflow("shop")["concurrency"]
    assert said["cancel-in-progress"] == "${{ github.event_name == 'pull_request' }}"
    # A group of main's would drop the run that waits, and its services with it.
    assert "github.sha" in said["group"]
    for name in ("deploy-stg", "deploy-prod"):
        assert jobs("travel")[name]["concurrency"]["cancel-in-progress"] is False


def test_coverage_that_cannot_be_sent_does_not_fail_the_job():
    (upload,) = [e for e in jobs("shop")["test"]["steps"] if "codecov" in e.get("uses", "")]
    assert upload["continue-on-error"] is True
    assert upload["with"]["fail_ci_if_error"] is False
    services = data("shop")["services"]
    assert services["order-service"]["coverage"] == "services/orders/coverage"
    assert (
        "--cov-report=xml:services/orders/coverage/coverage.xml"
        in (services["order-service"]["test"][0])
    )


def test_tests_have_the_servers_beside_them_that_the_service_is_bound_to():
    beside = jobs("shop")["test"]["services"]
    assert beside["postgres"]["image"] == "${{ matrix.postgres }}"
    assert beside["postgres"]["env"]["POSTGRES_PASSWORD"] == "test"
    assert "pg_isready" in beside["postgres"]["options"]
    assert beside["valkey"]["ports"] == ["6379:6379"]


@pytest.mark.parametrize("system", SYSTEMS)
def test_every_action_is_named_by_a_commit_with_its_version_behind_it(system):
    known = {action.digest: action.version for action in versions.read().actions.values()}
    text = write(artifact_of(system, "repository", CI), "")
    used = re.findall(r"uses: (\S+)@(\S+)(.*)", text)
    assert used
    for name, commit, behind in used:
        assert behind == f"  # {known[commit]}", name


@pytest.mark.parametrize("system", SYSTEMS)
def test_every_script_of_a_step_is_one_that_bash_reads(system):
    for name, job in jobs(system).items():
        for step in job["steps"]:
            if "run" in step:
                argv = ["bash", "-n", "-c", step["run"]]
                done = subprocess.run(argv, capture_output=True, text=True, check=False)
                assert done.returncode == 0, (name, step["run"], done.stderr)


@pytest.mark.parametrize("system", SYSTEMS)
def test_main_takes_pull_requests_alone_with_one_check_and_a_straight_history(system):
    rules = json.loads(artifact_of(system, "repository", ".github/rulesets/main.json").content)
    kinds = {rule["type"]: rule.get("parameters") for rule in rules["rules"]}
    assert {"pull_request", "required_linear_history", "non_fast_forward", "deletion"} <= set(kinds)
    assert rules["bypass_actors"] == []
    (check,) = kinds["required_status_checks"]["required_status_checks"]
    assert check["context"] == "passed"
    passed = jobs(system)["passed"]
    assert passed["if"] == "always()"
    assert passed["needs"] == ["detect-changes", "lint", "test", "system"]


@pytest.mark.parametrize(
    ("results", "code"),
    [
        (("success", "success"), 0),
        (("success", "skipped"), 0),
        (("success", "failure"), 1),
        (("success", "cancelled"), 1),
    ],
)
def test_the_one_check_fails_where_any_of_its_needs_did(results, code):
    needs = {str(number): {"result": result} for number, result in enumerate(results)}
    done = subprocess.run(
        ["bash", "-e", "-c", scripts(jobs("shop")["passed"])],
        env={"NEEDS": json.dumps(needs), "PATH": "/usr/bin:/bin"},
        check=False,
    )
    assert done.returncode == code


def test_gitlab_has_the_same_jobs_where_it_is_asked_for():
    found = artifact_of("trading", "repository", ".gitlab-ci.yml").data
    for service in data("trading")["services"]:
        assert found[f"lint:{service}"]["script"] == [f"scripts/ci lint {service}"]
        assert found[f"build:{service}"]["needs"] == [f"lint:{service}", f"test:{service}"]
        assert found[f"build:{service}"]["script"][1] == f"scripts/ci scan {service}"
        deploy = found[f"production:{service}"]
        assert all(rule["when"] == "manual" for rule in deploy["rules"])
        paths = set(data("trading")["services"][service]["paths"])
        changes = found[f"lint:{service}"]["rules"][0]["changes"]
        assert {change.removesuffix("/**/*") for change in changes} == paths
    paths = [artifact.path for artifact in artifacts_of("travel", "repository")]
    assert ".gitlab-ci.yml" not in paths


def test_services_in_other_languages_have_their_own_tools():
    text = """
tarmac: 1
system: mixed
owner: team
services:
  web: {run: [npm, start], cwd: web, port: 3000}
  api: {run: [go, run, .], cwd: api, port: 8080}
  old: {run: [./start.sh], cwd: old, port: 9000}
environments:
  repository: {target: repository}
  production: {registry: ghcr.io/team/mixed}
delivery: {repository: "https://github.com/team/mixed"}
"""
    made = artifacts(deploy(demo(text), "repository", KINDS), RENDERERS)
    files = {artifact.path: artifact for artifact in made}
    services = json.loads(files["ci/services.json"].content)["services"]
    assert services["web"]["lint"] == [["npm", "ci"], ["npm", "run", "lint"]]
    assert (services["web"]["folder"], services["web"]["build"]) == (
        "systems/demo/web",
        ["systems/demo/web"],
    )
    assert services["web"]["paths"] == ["systems/demo/web", "systems/demo/tarmac.yaml"]
    assert services["api"]["test"][-1][:2] == ["go", "test"]
    assert services["old"]["test"] == [["make", "test"]]
    steps = files[CI].data["jobs"]["lint"]["steps"]
    assert {step.get("if") for step in steps} == {
        None,
        "matrix.language == 'node'",
        "matrix.language == 'go'",
    }
    login = files[CI].data["jobs"]["build-and-scan"]
    assert login["permissions"] == {"contents": "read"}, "there is no role to take"


def test_a_system_that_is_not_delivered_has_no_pipeline():
    text = "tarmac: 1\nsystem: a\nservices: {}\nenvironments: {repository: {target: repository}}\n"
    assert artifacts(deploy(demo(text), "repository", KINDS), RENDERERS) == ()


def test_what_pipelines_test_with_is_what_the_images_run():
    text = Path(ROOT / "src/tarmac/assets/containers/Dockerfile").read_text()
    assert f"/uv:{pipeline.UV}-python{pipeline.PYTHON}-" in text
    assert versions.read().image("python").startswith(f"python:{pipeline.PYTHON}-")


WITH_CHECKLIST = """
tarmac: 1
system: mini
services: {web: {run: [npm, start], port: 3000}}
environments:
  repository: {target: repository}
  STAGES
delivery: {repository: "https://github.com/team/mini", pipelines: [github, gitlab] GITOPS}
"""
READY = "uv run --frozen tarmac verify demo --ready --junit .tarmac/ci/checklist.xml"
#: How an environment is delivered into -> its settings, and what it is that changes it.
WAYS = {
    "helm": ("", "helm upgrade"),
    "bump": ("gitops: {}", "scripts/bump production .gitops --image"),
    "promote": ("gitops: {}", "scripts/bump production .gitops --from stg"),
    "release": ("gitops: {updater: semver}", "skopeo copy"),
}


def with_checklist(way, checklist):
    settings = ["registry: r.example.com/prod", f"checklist: {checklist}", WAYS[way][0]]
    stages = f"production: {{{', '.join(filter(None, settings))}}}"
    if way == "promote":
        stages = f"stg: {{registry: r.example.com/stg, gitops: {{}}}}\n  {stages}"
    text = WITH_CHECKLIST.replace("STAGES", stages)
    gitops = "" if way == "helm" else ', gitops: "https://github.com/team/mini-gitops"'
    made = artifacts(deploy(demo(text.replace(" GITOPS", gitops)), "repository", KINDS), RENDERERS)
    return {artifact.path: artifact for artifact in made}


@pytest.mark.parametrize("way", WAYS)
def test_an_environment_with_a_checklist_is_changed_after_every_item_was_asked(way):
    graph = with_checklist(way, "true")[CI].data["jobs"]
    verb = "release" if way == "release" else "deploy"
    job = graph[f"{verb}-production"]
    runs = [step.get("run", "") for step in job["steps"]]
    (check,) = [number for number, run in enumerate(runs) if run == READY]
    (change,) = [number for number, run in enumerate(runs) if WAYS[way][1] in run]
    assert check < change
    assert not {"if", "continue-on-error"} & job["steps"][check].keys()
    assert "checklist" in job["needs"]
    brought = [e["with"] for e in job["steps"][:check] if "download-artifact" in e.get("uses", "")]
    assert {"name": "checklist", "path": ".tarmac/ci"} in brought
    assert "actions/checkout@" in job["steps"][0]["uses"], "there is no model without"
    assert [e["run"] for e in graph["checklist"]["steps"] if "run" in e][-1] == "scripts/prove"
    del graph[f"{verb}-production"]
    assert all(READY not in scripts(other) for other in graph.values())


@pytest.mark.parametrize("way", WAYS)
def test_an_environment_without_one_is_delivered_into_as_ever(way):
    files = with_checklist(way, "false")
    assert "checklist" not in files[CI].data["jobs"]
    assert "--ready" not in write(files[CI], "") + write(files[".gitlab-ci.yml"], "")
    assert "scripts/prove" not in files


def test_gitlab_asks_the_checklist_before_it_deploys_too():
    files = with_checklist("helm", "true")
    found = files[".gitlab-ci.yml"].data
    check, *_, change = found["production:web"]["script"]
    assert check == READY
    assert change.startswith("helm upgrade")
    assert found["production:web"]["needs"] == ["build:web", "checklist"]
    assert found["checklist"]["script"] == ["scripts/prove"]
    assert found["checklist"]["artifacts"]["paths"] == [".tarmac/ci/checklist.xml"]
    assert files["scripts/prove"].executable


def test_trading_alone_waits_for_its_checklist():
    assert [system for system in SYSTEMS if "checklist" in jobs(system)] == ["trading"]


def test_each_root_of_travels_repository_has_a_page_and_reviewers_of_its_own():
    lines = str(artifact_of("travel", "repository", "CODEOWNERS").content).splitlines()
    owners = {line.split()[0]: line.split()[1:] for line in lines if line.startswith("/")}
    assert owners.keys() == {"/infra/", "/gitops/", "/app/", "/data/"}
    for folder, reviewers in owners.items():
        page = str(artifact_of("travel", "repository", f"{folder.strip('/')}/README.md").content)
        assert f"# {folder.strip('/')}\n" in page
        assert reviewers
        assert all(f"`{reviewer}`" in page for reviewer in reviewers)
    # Of two lines that fit, the last one decides.
    assert lines[1].startswith("* ")
