"""Assemblies, scripts side by side and lock files, as a fifteenth round met them, on own files."""

from __future__ import annotations

import pytest
from repository import FLASK, found_in

PROJECT = '<Project Sdk="Microsoft.NET.Sdk.Web"></Project>\n'


@pytest.mark.parametrize(
    ("assembly", "folder"), [("Shop.dll", "Shop/src"), ("Desk.dll", "Desk"), ("Tool.dll", "")]
)
def test_an_assembly_is_started_where_its_project_is(assembly, folder):
    compose = """
    services:
      web: {build: {context: ., dockerfile: Dockerfile.web}, ports: ["5000:5000"]}
    """
    files = {
        "compose.yaml": compose,
        "Dockerfile.web": f'FROM sdk\nCOPY . .\nENTRYPOINT ["dotnet", "{assembly}"]\n',
        "Shop/src/Shop.csproj": PROJECT,
        "Desk/Desk.csproj": PROJECT,
    }
    found = found_in(**files)
    started = [one.folder for one in found.services if one.name == "web"]
    assert started == ([folder] if folder else [])


def test_a_program_of_one_file_has_what_that_imports_but_not_the_program_beside_it():
    compose = """
    services:
      web: {build: ., command: python web.py}
      mail: {build: ., command: python mail.py}
    """
    files = FLASK | {
        "compose.yaml": compose,
        "web.py": "import settings\n",
        "mail.py": "import os\nos.environ['MAIL_HOST']\n",
        "settings.py": "import os\nos.environ['PAGE_SIZE']\n",
    }
    found = {one.name: one for one in found_in(**files).services}
    assert set(found["web"].missing) == {"PAGE_SIZE"}
    assert set(found["mail"].missing) == {"PAGE_SIZE", "MAIL_HOST"}
