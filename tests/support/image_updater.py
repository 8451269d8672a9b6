"""Argo CD Image Updater beside a control plane: built by `.ci/imageupdater`, run as a process."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import argo_processes
import built
import yaml
from apiserver import ControlPlane

GET = "there is no Argo CD Image Updater; run .ci/imageupdater (`make tools`)"
#: How often it asks registries; it takes two minutes where nothing is said.
EVERY = "3s"


def home() -> Path | None:
    """Find the program."""
    found = built.newest("imageupdater-*/argocd-image-updater")
    return found.parent if found else None


def definition(programs: Path) -> Path:
    """Name the definition of its kind."""
    (found,) = programs.glob("*_imageupdaters.yaml")
    return found


@contextlib.contextmanager
def updater(
    programs: Path,
    plane: ControlPlane,
    folder: Path,
    registries: list[Mapping[str, Any]],
    trusted: Path,
) -> Iterator[Path]:
    """Run it with the registries that its chart's values have; give its log.

    Args:
        folder: where Argo CD keeps whom it trusts, under `trusted`; this writes there, too.
        trusted: the certificate by which the registry is known.
    """
    config = folder / "registries.conf"
    config.write_text(yaml.safe_dump({"registries": [dict(one) for one in registries]}))
    work = folder / "updater"
    work.mkdir()
    (folder / "asks").mkdir()
    shutil.copy(programs / "git-ask-pass.sh", folder / "asks")
    env = {
        "PATH": f"{folder / 'asks'}:{os.environ['PATH']}",
        "HOME": str(work),
        "TMPDIR": str(work),
        "KUBECONFIG": str(plane.kubeconfig),
        "SSL_CERT_FILE": str(trusted),
        "ARGOCD_TLS_DATA_PATH": str(folder / "trusted"),
        "ARGOCD_ASK_PASS_SOCK": str(work / "ask.sock"),
    }
    argv = (
        *(programs / "argocd-image-updater", "run", f"--interval={EVERY}", "--loglevel=debug"),
        *("--leader-election=false", "--health-probe-bind-address=0"),
        *(f"--argocd-namespace={argo_processes.NAMESPACE}", f"--registries-conf-path={config}"),
        f"--kubeconfig={plane.kubeconfig}",
    )
    log = work / "log"
    with (
        log.open("wb") as written,
        subprocess.Popen(
            argv, env=env, cwd=work, stdin=subprocess.DEVNULL, stdout=written, stderr=written
        ) as process,
    ):
        try:
            yield log
        finally:
            process.kill()
