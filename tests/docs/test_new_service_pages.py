"""The pages about new services and own templates, typed as they stand in an empty folder."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TUTORIAL = ROOT / "docs/tutorial/a-new-service.md"
TEMPLATES = ROOT / "docs/how-to/own-templates.md"
TARMAC = Path(sys.executable).with_name("tarmac")
#: What the pages' systems listen on.
PORTS = {TUTORIAL: (8080, 7000, 7001, 7002, 7003), TEMPLATES: (7031,)}


def blocks(page, language):
    """Return a page's blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)


def typed(script, folder):
    """Run commands as a reader's shell would."""
    path = os.pathsep.join((str(TARMAC.parent), str(ROOT / ".uv/bin"), os.environ["PATH"]))
    name = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.com"}
    committer = {"GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@example.com"}
    return subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", script],
        cwd=folder,
        env={
            **os.environ,
            "PATH": path,
            "NO_COLOR": "1",
            "VIRTUAL_ENV": "",
            "TARMAC_TELEMETRY": "1",
            **name,
            **committer,
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=560,
    )


def is_free(port):
    """Tell whether nothing listens on a port."""
    with socket.socket() as asked:
        return asked.connect_ex(("127.0.0.1", port)) != 0


@pytest.fixture(params=[TUTORIAL, TEMPLATES], ids=lambda page: page.stem)
def page(request):
    """Give a page whose ports and programs are here."""
    if not (shutil.which("curl") and all(map(is_free, PORTS[request.param]))):
        pytest.skip(f"the page needs curl, and the ports {PORTS[request.param]}")
    return request.param


@pytest.mark.servers
@pytest.mark.timeout(600)
def test_what_a_page_tells_to_type_works_from_the_first_line_to_the_last(page, tmp_path):
    folder = tmp_path / "here"
    folder.mkdir()
    if page == TEMPLATES:
        shell = tmp_path / "shell"
        (shell / "base").mkdir(parents=True)
        described, entry = blocks(page, "yaml")
        (shell / "template.yaml").write_text(described)
        (shell / "entry.yaml.njk").write_text(entry)
        (shell / "base/serve.sh.njk").write_text(blocks(page, "text")[0])
        (folder / "tarmac.yaml").write_text("tarmac: 1\nsystem: files\nservices: {}\n")
        typed("git init -q .", folder)
    done = typed("\n".join(blocks(page, "sh")), folder)
    here = folder / "corner" if page == TUTORIAL else folder
    typed("tarmac down --delete-data", here)
    assert done.returncode == 0, done.stdout + done.stderr
    if page == TEMPLATES:
        assert "+# more" in done.stdout
        assert (folder / "services/files/serve.sh").read_text().endswith("# more\n")
