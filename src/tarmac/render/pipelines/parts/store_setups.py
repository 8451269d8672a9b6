"""What a pipeline does before it deploys with Helm: users of managed stores are to be there."""

from __future__ import annotations

from tarmac.render.pipelines.parts.stages import Stage

#: A chart is of one service. What is set up again is one whose users, or passwords, are others.
COMMANDS = (
    "for job in .deploy/k8s/*/job-setup.yaml; do",
    '  if [ -e "$job" ] && [ ! -e "${job%/*}/statefulset.yaml" ]; then',
    '    kubectl apply --server-side --filename "${job%/*}"',
    '    kubectl wait --for=condition=complete --timeout=10m --filename "$job"',
    "  fi",
    "done",
)


def commands(stage: Stage) -> tuple[str, ...]:
    """List what sets stores up; nothing where no server is made with the environment."""
    wanted = stage.settings.infrastructure
    made = wanted.servers.keys() & stage.settings.servers.keys() if wanted else set()
    return COMMANDS if made and stage.settings.secrets == "external" else ()
