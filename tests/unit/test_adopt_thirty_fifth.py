"""A thirty-fifth round of unseen repositories: what packages want, members, addresses."""

from __future__ import annotations

import pytest
from repository import FLASK, found_in


@pytest.mark.parametrize(
    ("version", "added"),
    [
        ("==5.2.7", " packaging"),
        ("==5.3.6", " 'kombu<5.6'"),
        ("~=5.4.0", " 'kombu<5.6'"),
        ("==5.5.3", ""),
        ("", ""),
    ],
)
def test_an_old_set_of_celery_for_redis_has_what_its_driver_wants(version, added):
    image = FLASK["Dockerfile"].replace("CMD", "RUN pip install -r requirements.txt\nCMD")
    listed = f"flask\ncelery[redis]{version}\nredis\n"
    (app, *_) = found_in(**{**FLASK, "requirements.txt": listed, "Dockerfile": image}).services
    assert f"requirements.txt{added} &&" in app.tasks["install"]
