"""The audit of a real image, as a daemon saves it, with a package planted in it.

On a substitute for the public base image (`standins.STAND_IN`), since no registry can be reached.
"""

from __future__ import annotations

import image_packages
import pytest
import standins

pytestmark = [pytest.mark.containers, pytest.mark.timeout(600)]

PLANTED = "Metadata-Version: 2.1\nName: pycrypto\nVersion: 2.6.1\n\nA package of 2013.\n"


def test_a_package_that_was_planted_in_an_image_is_read_beside_those_of_its_base(docker, tmp_path):
    folder = tmp_path / "context/app/lib/pycrypto-2.6.1.dist-info"
    folder.mkdir(parents=True)
    (folder / "METADATA").write_text(PLANTED)
    (tmp_path / "context/Dockerfile").write_text(f"FROM {standins.RUNTIME}\nCOPY app /app\n")
    tag, saved = "tarmac-standin/planted:1", tmp_path / "image.tar"
    docker.run("build", "--tag", tag, str(tmp_path / "context"))
    docker.run("save", "--output", str(saved), tag)
    found = image_packages.read(saved)
    assert found.python == {"pycrypto": "2.6.1"}
    assert found.codename == standins.RELEASE
    assert set(standins.PYTHON) <= set(found.debian)
