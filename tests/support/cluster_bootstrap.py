"""A cluster that a rendered script fills with add-ons, by charts of programs that were built here.

The script, its order, its values and Helm are themselves. Its repositories of charts are folders
here: a chart has the version that the script asks for, whatever the program that was built.
`start.sh` goes as far as Argo CD, which has tests of its own, and the charts of Loki and Alloy.
"""

from __future__ import annotations

import contextlib
import http.server
import os
import subprocess
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import cluster_helm
import yaml
from cluster import Cluster

#: In Helm's place: repositories are folders here, and each release has own values, too.
HELM = """\
#!/usr/bin/env bash
case "$1 $2" in
    'repo add') exec {helm} repo add "$3" "http://127.0.0.1:{port}/${{3#tarmac-}}" "${{@:5}}" ;;
    'upgrade --install')
        release=$3 from=$4
        if [[ $from == oci://* ]]; then from=$(echo {shelf}/"$release"/*.tgz); fi
        shift 4
        exec {helm} upgrade --install "$release" "$from" "$@" --values {own}/"$release.yaml" ;;
esac
exec {helm} "$@"
"""
FIRST_NOT_HERE = "# The first time one server begins alone"


@dataclass(frozen=True)
class Chart:
    """A chart that is here, and what a release of it has of its own here."""

    folder: Path
    values: Mapping[str, Any]
    #: Charts in it that it goes on to depend on.
    kept: tuple[str, ...] = ()


class _Silent(http.server.SimpleHTTPRequestHandler):
    """Tells nothing of what it was asked."""

    def log_message(self, *_: Any) -> None:
        pass


@dataclass(frozen=True)
class Script:
    """The rendered script, with what it finds on its way."""

    cluster: Cluster
    tree: Path
    programs: Path

    @property
    def text(self) -> str:
        """What is run of it: all but Argo CD, and what follows the root."""
        whole = (self.tree / "bootstrap/start.sh").read_text()
        before, _, after = whole.partition(FIRST_NOT_HERE)
        return before + "".join(f"{s}\n" for s in after.splitlines() if s.startswith("space "))

    @property
    def releases(self) -> dict[str, tuple[str, str]]:
        """The namespace and the version of each release that it installs."""
        lines = [s.split() for s in self.text.splitlines() if s.startswith("chart ")]
        return {words[1]: (words[2], words[5].removeprefix("=")) for words in lines}

    def run(self) -> subprocess.CompletedProcess[str]:
        """Run it as a user of the cluster."""
        return subprocess.run(
            ["bash", "-c", self.text, "bootstrap/start.sh"],
            cwd=self.tree,
            env={
                **os.environ,
                "HOME": str(self.programs),
                "KUBECONFIG": str(self.cluster.kubeconfig),
                "PATH": f"{self.programs}:{self.cluster.programs}:{os.environ['PATH']}",
            },
            capture_output=True,
            text=True,
            check=False,
            timeout=1200,
        )

    def helm(self, *argv: str) -> str:
        """Ask Helm what is there."""
        env = {**os.environ, "KUBECONFIG": str(self.cluster.kubeconfig)}
        command = [self.programs / "helm", *argv]
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
        return done.stdout


@contextlib.contextmanager
def script(
    cluster: Cluster, tree: Path, helm: Path, charts: Mapping[str, Chart], scratch: Path
) -> Iterator[Script]:
    """Lay out what the script of a rendered tree asks for; it is served as long as the block runs.

    Args:
        charts: those of the releases that it installs.
    """
    shelf, own, programs = (scratch / name for name in ("shelf", "own", "programs"))
    for folder in (shelf, own, programs):
        folder.mkdir()
    made = Script(cluster, tree, programs)
    assert charts.keys() == made.releases.keys()
    for release, (_, version) in made.releases.items():
        (own / f"{release}.yaml").write_text(yaml.safe_dump(dict(charts[release].values)))
        _pack(helm, charts[release], version, shelf / release)
    handler = partial(_Silent, directory=str(shelf))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        given = {"helm": helm, "port": server.server_address[1], "shelf": shelf, "own": own}
        (programs / "helm").write_text(HELM.format(**given))
        (programs / "helm").chmod(0o755)
        try:
            yield made
        finally:
            server.shutdown()


def _pack(helm: Path, chart: Chart, version: str, place: Path) -> None:
    """Make a repository of one chart, which says that it has the program's version."""
    copied = cluster_helm.copied(chart.folder, place.with_name(f"{place.name}-source"), *chart.kept)
    own = str(yaml.safe_load((copied / "Chart.yaml").read_text())["appVersion"])
    program = f"v{version}" if own.startswith("v") else version  # by it images are named
    numbers = ("--version", version, "--app-version", program)
    for argv in (
        ["package", copied, *numbers, "--destination", place],
        ["repo", "index", place],
    ):
        subprocess.run([helm, *argv], check=True, capture_output=True)
