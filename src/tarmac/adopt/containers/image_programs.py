"""What an image of others starts by itself, and where, when a Dockerfile on it says nothing of it.

`container` and `compose_places` ask. Such an image has a server for the app that is copied into it.
"""

from __future__ import annotations

#: Where images work.
_INSIDE = {"golang": "/go", "php": "/var/www/html"}
#: Images with a server of their own, which serves `app` of `main` in their folder.
_OF_APPS = {
    **dict.fromkeys(
        ("uvicorn-gunicorn", "uvicorn-gunicorn-fastapi", "uvicorn-gunicorn-starlette"),
        ("uvicorn", "main:app"),
    ),
    **dict.fromkeys(
        ("uwsgi-nginx-flask", "meinheld-gunicorn-flask"), ("flask", "--app", "main:app", "run")
    ),
}
_OF_THEIRS = "/app"


def program_of(image: str) -> tuple[str, ...]:
    """Return what an image starts; () for one that is not known.

    Args:
        image: its name, with its owner and its version.
    """
    return _OF_APPS.get(_name(image), ())


def inside(image: str) -> str:
    """Return the folder that an image works in; "" for one that is not known."""
    return _INSIDE.get(_name(image), _OF_THEIRS if program_of(image) else "")


def _name(image: str) -> str:
    return image.partition("@")[0].rpartition("/")[2].partition(":")[0]
