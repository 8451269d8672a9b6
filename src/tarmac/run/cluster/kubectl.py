"""Calls kubectl, which knows how its user reaches a cluster: files, contexts, plug-ins of clouds.

Every call is made with a copy of one context, so that a change of the current one in another
terminal leads no half of a deployment elsewhere. The copy is its owner's alone and goes at the end.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tarmac.base.errors import BadInput, MissingTool, Problem, TarmacError, did_you_mean
from tarmac.base.installed import find_program
from tarmac.base.tools import how_to_get

#: The field manager, as kubectl has it: what no other has set, it may take away again.
FIELD_OWNER = "tarmac"
CONNECT_S = 20
#: Of one call; none waits for a workload.
LONGEST_S = 180
#: Google's kubectl asks the current context's cluster for its version first, also where a file is
#: only read: as a user that is not there it runs no program of the file for credentials.
WITHOUT_USER = "--user=tarmac-reads-the-file"

Object = Mapping[str, Any]


class Refusal(TarmacError):
    """The cluster refused something: its own words, a line for each object."""


@dataclass(frozen=True)
class Kubectl:
    """One context of a kubeconfig."""

    program: str
    context: str
    #: The file that holds it alone.
    config: Path

    @property
    def env(self) -> Mapping[str, str]:
        """The variables with which another program reaches the same cluster."""
        return {**os.environ, "KUBECONFIG": str(self.config)}

    def ask(self, *argv: str, given: str = "") -> subprocess.CompletedProcess[str]:
        """Run kubectl; that it fails is an answer like any other."""
        try:
            return subprocess.run(
                [self.program, *argv],
                input=given,
                capture_output=True,
                text=True,
                timeout=LONGEST_S,
                check=False,
                env=self.env,
            )
        except subprocess.TimeoutExpired:
            raise TarmacError(
                f"{self.context}: kubectl {argv[0]} did not end within {LONGEST_S} s; "
                "is the cluster reachable?"
            ) from None

    def run(self, *argv: str, given: str = "") -> str:
        """Run kubectl and return what it prints. Raises Refusal with its own words."""
        done = self.ask(*argv, given=given)
        if done.returncode != 0:
            raise Refusal(f"{self.context}: {_plain(done.stderr) or done.stdout.strip()}")
        return done.stdout

    def stream(self, *argv: str) -> Iterator[str]:
        """Run kubectl and yield each line as it comes; it ends with the reader.

        Raises Refusal with its own words where it fails.
        """
        with subprocess.Popen(
            [self.program, *argv],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self.env,
        ) as process:
            try:
                yield from (line.rstrip("\n") for line in process.stdout or ())
                said = process.stderr.read() if process.stderr else ""
                if process.wait() != 0:
                    raise Refusal(f"{self.context}: {_plain(said)}")
            finally:
                process.terminate()

    def read(self, *argv: str, given: str = "") -> list[dict[str, Any]]:
        """Return the objects that it prints. Raises Refusal."""
        return documents(self.run(*argv, "--output=json", given=given))

    def get(self, namespace: str, *kinds: str) -> list[dict[str, Any]]:
        """List the objects of kinds; those that this user may not see are none. Raises Refusal."""
        return self.read("get", ",".join(kinds), f"--namespace={namespace}")

    def live(self, objects: Iterable[Object]) -> list[dict[str, Any]]:
        """Return those of some objects that are there. Raises Refusal."""
        return self.read("get", "--ignore-not-found", "--filename=-", given=packed(objects))

    def apply(self, objects: Iterable[Object], *, dry: bool = False) -> list[dict[str, Any]]:
        """Apply objects on the server's side, and return what became of them.

        Args:
            dry: have the server judge and complete them, and keep nothing.

        Raises:
            Refusal: one of them was; the others are there.
        """
        return self.read(
            "apply",
            "--server-side",
            "--force-conflicts",
            f"--field-manager={FIELD_OWNER}",
            *(("--dry-run=server",) if dry else ()),
            "--filename=-",
            given=packed(objects),
        )

    def delete(self, objects: Iterable[Object]) -> None:
        """Delete objects, and wait until they are gone. Raises Refusal."""
        flags = ("--ignore-not-found", f"--timeout={LONGEST_S - 10}s")
        self.run("delete", *flags, "--filename=-", given=packed(objects))

    def kinds(self) -> frozenset[tuple[str, str]]:
        """List the kinds that the cluster knows, each with its apiVersion.

        Those of an extension server that is away are missing.
        """
        lines = self.ask("api-resources", "--no-headers").stdout.splitlines()
        # NAME [SHORTNAMES] APIVERSION NAMESPACED KIND
        words = (line.split() for line in lines)
        return frozenset((found[-3], found[-1]) for found in words if len(found) > 3)


@contextlib.contextmanager
def opened(context: str | None) -> Iterator[Kubectl]:
    """Give kubectl for one context of the user's; the current one without a name.

    Raises:
        MissingTool: there is no kubectl.
        BadInput: there is no such context.
        TarmacError: its cluster does not answer, or knows this user not.
    """
    program = find_program("kubectl")
    if program is None:
        raise MissingTool(f"kubectl is not on PATH; {how_to_get('kubectl')}")
    with tempfile.TemporaryDirectory(prefix="tarmac-deploy-") as folder:
        name = context or _config(program, "current-context", WITHOUT_USER).stdout.strip()
        if not name:
            raise BadInput([Problem("kubeconfig", f"no current context; {_choices(program)}")])
        named = ("--minify", "--flatten", "--raw", f"--context={name}")
        shown = _config(program, "view", *named)
        if shown.returncode != 0:
            what = f"no context '{name}'; {_choices(program, name)}"
            raise BadInput([Problem("kubeconfig", what)])
        config = Path(folder) / "config"
        config.touch(0o600)
        config.write_text(shown.stdout, encoding="utf-8")
        client = Kubectl(program, name, config)
        asked = client.ask("get", "--raw=/readyz", f"--request-timeout={CONNECT_S}s")
        # Not every user may ask this; one that is told so has reached it.
        if asked.returncode != 0 and "Forbidden" not in asked.stderr:
            raise TarmacError(f"{name}: the cluster does not answer: {_plain(asked.stderr)}")
        yield client


def _config(program: str, *argv: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [program, "config", *argv], capture_output=True, text=True, timeout=CONNECT_S, check=False
    )


def _choices(program: str, name: str = "") -> str:
    known = _config(program, "get-contexts", "--output=name", WITHOUT_USER).stdout.split()
    if known and name:
        return did_you_mean(name, known)
    return (
        f"--context {' or '.join(known)}" if known else "kubectl knows no cluster: set KUBECONFIG"
    )


def packed(objects: Iterable[Object]) -> str:
    """Write objects as one list, as kubectl reads it."""
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})


def documents(text: str) -> list[dict[str, Any]]:
    """Read what kubectl prints: nothing, one object, several, or a list of them."""
    found: list[dict[str, Any]] = []
    decoder, at = json.JSONDecoder(), 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        document, at = decoder.raw_decode(text, at)
        found += document["items"] if document["kind"] == "List" else [document]
    return found


def _plain(stderr: str) -> str:
    """Leave out its warnings, and say once what it says of each of its tries."""
    lines = [line for line in stderr.splitlines() if line and not line.startswith("Warning:")]
    told = [line for line in lines if not line.startswith(("E1", "E0", "I0", "I1"))]
    return "\n".join(dict.fromkeys(told or lines)).removeprefix("error: ")
