"""The types of the dashboard's scripts are checked by `make check`, where there is a Node."""

from __future__ import annotations

import json
import subprocess
import sys


def test_make_check_checks_the_types_of_the_scripts(root):
    makefile = (root / "Makefile").read_text()
    assert "\ncheck: sync lint types " in makefile
    assert "\ntypes: sync\n\t.ci/types\n" in makefile
    options = json.loads((root / ".ci/tsconfig.json").read_text())["compilerOptions"]
    assert options["checkJs"]
    assert options["strict"]


def test_without_node_the_check_is_skipped_and_says_how_to_get_it(root, tmp_path):
    command = [sys.executable, str(root / ".ci/types")]
    done = subprocess.run(
        command, env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0
    assert "SKIPPED: this machine has no Node (apt-get install nodejs)" in done.stdout
