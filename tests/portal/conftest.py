"""One Backstage for all tests of this folder, with the catalogues of the five systems."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path

import backstage
import pytest
from git_server import GitHandler
from portal_trees import SYSTEMS, write_pushing, write_tree
from rendered import artifacts_of


@pytest.fixture(scope="session")
def forge(tmp_path_factory) -> Iterator[backstage.Served]:
    """Serve a repository of each system: its rendered files, beside the services' code."""
    folder: Path = tmp_path_factory.mktemp("forge")
    for name in SYSTEMS:
        write_tree(folder / name, artifacts_of(name, "repository"))
    with backstage.served(folder) as server:
        yield server


@pytest.fixture(scope="session")
def pushing(tmp_path_factory) -> Path:
    """Write starter's form with a step that a server of Git alone can take, on disk."""
    folder: Path = tmp_path_factory.mktemp("pushing")
    return write_pushing(folder, artifacts_of("starter", "repository"))


@pytest.fixture(scope="session")
def portal(forge, pushing, tmp_path_factory) -> Iterator[backstage.Backstage]:
    """Run Backstage with all of them."""
    targets = [f"{forge.url}/{name}/catalog-info.yaml" for name in SYSTEMS]
    targets.append(str(pushing))
    with backstage.run(tmp_path_factory.mktemp("backstage"), forge.host, targets) as running:
        yield running


@pytest.fixture
def git_server(tmp_path) -> Iterator[tuple[str, Path]]:
    """Serve a bare repository that takes pushes; return its address and its folder."""
    bare = tmp_path / "repositories/code.git"
    subprocess.run(["git", "init", "--quiet", "--bare", str(bare)], check=True)
    subprocess.run(["git", "-C", str(bare), "config", "http.receivepack", "true"], check=True)
    handler = type("Handler", (GitHandler,), {"folder": str(bare.parent)})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/code.git", bare
    server.shutdown()
    server.server_close()
    thread.join()
