"""Assemblies, scripts side by side and lock files, as a fifteenth round met them, on own files."""

from __future__ import annotations

import pytest
from repository import found_in

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
