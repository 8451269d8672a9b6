"""The shape of a pod's containers."""

from __future__ import annotations

from tarmac.check.gates.views.shapes.shape import (
    FLAG,
    INTEGER,
    NUMBER,
    PORT,
    QUANTITY,
    SCALAR,
    TEXT,
    TEXTS,
    ListOf,
    Record,
)

_KEY = Record({"name": TEXT, "key": TEXT, "optional": FLAG})
_PROBE = Record(
    {
        "httpGet": Record({"path": TEXT, "port": PORT}),
        "tcpSocket": Record({"port": PORT}),
        "grpc": Record({"port": PORT}),
        "exec": Record({"command": TEXTS}),
        "timeoutSeconds": NUMBER,
        "periodSeconds": NUMBER,
    }
)
_AMOUNTS = Record({"cpu": QUANTITY, "memory": QUANTITY})
CONTEXT = Record(
    {
        "runAsUser": INTEGER, "runAsNonRoot": FLAG, "seccompProfile": Record({"type": TEXT}),
        "capabilities": Record({"add": TEXTS, "drop": TEXTS}),
    }
)  # fmt: skip
CONTAINER = Record(
    {
        "name": TEXT, "image": TEXT, "args": ListOf(SCALAR), "command": ListOf(SCALAR),
        "ports": ListOf(
            Record({"name": TEXT, "containerPort": INTEGER, "hostPort": INTEGER})
        ),
        "env": ListOf(
            Record(
                {
                    "name": TEXT,
                    "valueFrom": Record({"configMapKeyRef": _KEY, "secretKeyRef": _KEY}),
                }
            )
        ),
        "envFrom": ListOf(
            Record({"prefix": TEXT, "configMapRef": _KEY, "secretRef": _KEY})
        ),
        "volumeMounts": ListOf(Record({"name": TEXT, "mountPath": TEXT, "subPath": TEXT})),
        "resources": Record({"requests": _AMOUNTS, "limits": _AMOUNTS}),
        "securityContext": CONTEXT,
        "startupProbe": _PROBE, "livenessProbe": _PROBE, "readinessProbe": _PROBE,
        "lifecycle": Record(
            {
                "preStop": Record(
                    {"sleep": Record({"seconds": NUMBER}), "exec": Record({"command": TEXTS})}
                )
            }
        ),
    }
)  # fmt: skip
