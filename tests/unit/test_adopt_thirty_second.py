"""What a thirty-second round of repositories not met before has taught, on files of our own."""

from __future__ import annotations

import pytest
from repository import CATALOGUE, FLASK, KINDS, folder_of, found_in, runs, system_of

from tarmac.adopt.survey.survey import survey

API = "from fastapi import FastAPI\napp = FastAPI()\n"
IMAGE = "FROM python:3.12\nWORKDIR /app\nCOPY . .\nRUN pip install -r requirements.txt\n"
STARTS = 'if __name__ == "__main__":\n    import uvicorn\n    uvicorn.run(app, port=8000)\n'


def test_what_a_module_does_where_it_is_started_is_not_another_programs():
    compose = """
    services:
      api: {build: ., command: python main.py, ports: ["8000:8000"]}
      take: {build: ., command: python -m jobs.take}
    """
    files = {
        "compose.yaml": compose,
        "Dockerfile": IMAGE,
        "requirements.txt": "fastapi\nuvicorn\n",
        "main.py": API + STARTS,
        "jobs/take.py": "import time\nwhile True:\n    time.sleep(1)\n",
    }
    found = found_in(**files)
    assert {one.name: dict(one.ports) for one in found.services} == {
        "api": {"http": 8000},
        "take": {},
    }
