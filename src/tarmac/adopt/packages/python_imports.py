"""Packages that a program imports and its list of packages lacks.

`python_packages` asks. Their developer has them by hand; without them the program does not start.
Only packages are looked for whose names are known: what another one brings along does no harm here.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable

from tarmac.adopt.packages.package_day import with_included
from tarmac.adopt.survey.found import Folder

#: What code imports -> the package that has it, and others that do as well.
_TABLE = """
aio_pika = aio-pika
aiohttp = aiohttp
aiokafka = aiokafka
aiosqlite = aiosqlite
alembic = alembic
apscheduler = apscheduler
argon2 = argon2-cffi
arq = arq
asyncpg = asyncpg
bcrypt = bcrypt
boto3 = boto3
bs4 = beautifulsoup4 bs4
celery = celery
channels_redis = channels-redis
corsheaders = django-cors-headers
dateutil = python-dateutil
decouple = python-decouple
django_celery_beat = django-celery-beat
django_filters = django-filter
django_redis = django-redis
dotenv = python-dotenv django-dotenv
dramatiq = dramatiq
drf_spectacular = drf-spectacular
drf_yasg = drf-yasg
environ = django-environ environ
faker = faker
fastapi_mail = fastapi-mail
flask_bcrypt = flask-bcrypt
flask_cors = flask-cors
flask_jwt_extended = flask-jwt-extended
flask_limiter = flask-limiter
flask_login = flask-login
flask_mail = flask-mail
flask_marshmallow = flask-marshmallow
flask_migrate = flask-migrate
flask_socketio = flask-socketio
flask_sqlalchemy = flask-sqlalchemy
flask_wtf = flask-wtf
httpx = httpx
jinja2 = jinja2
jose = python-jose
jwt = pyjwt jwt
kafka = kafka-python kafka-python-ng
loguru = loguru
markdown = markdown
motor = motor
MySQLdb = mysqlclient
numpy = numpy
openai = openai
pandas = pandas
passlib = passlib
pika = pika
PIL = pillow
prometheus_client = prometheus-client
psutil = psutil
psycopg2 = psycopg2-binary psycopg2
pydantic_settings = pydantic-settings
pymongo = pymongo motor mongoengine
pymysql = pymysql
pytz = pytz
redis = redis
requests = requests
rest_framework = djangorestframework
rest_framework_simplejwt = djangorestframework-simplejwt
rq = rq
sentry_sdk = sentry-sdk
slowapi = slowapi
slugify = python-slugify
sqlalchemy = sqlalchemy
sqlmodel = sqlmodel
storages = django-storages
stripe = stripe
structlog = structlog
tenacity = tenacity
tortoise = tortoise-orm
whitenoise = whitenoise
yaml = pyyaml
"""
_PACKAGES = {
    name: tuple(packages.split())
    for name, _, packages in (line.partition(" = ") for line in _TABLE.split("\n") if line)
}
#: What a library of the list asks for where code uses a part of it: what shows the use, and the
#: package; a set of that library's own may bring it.
_ASKED_FOR = (
    (re.compile(r"\bimport\b[^\n]*\bEmailStr\b"), "email-validator"),
    (
        re.compile(r"\b(?:UploadFile|OAuth2PasswordRequestForm)\b|=\s*(?:Form|File)\("),
        "python-multipart",
    ),
)
#: What Celery's driver for Redis imports, and Celery's own set for it brings alone.
_OF_CELERY_ON_REDIS = "packaging"
#: A client for Redis that the Kombu of today refuses, and the Kombu that takes it.
_OLD_REDIS = re.compile(
    r"(?im)^[ \t]*redis(?:\[[^\]\n]*\])?[ \t]*(?:[=~]=[ \t]*(?:[0-5]|6\.0)\.|"
    r"[^\n#;]*<=?[ \t]*(?:[0-5](?![\d])|6(?:\.[01])?(?:\.0)?(?![\d.])))"
)
_PINNED_KOMBU = re.compile(r"(?im)^[ \t]*kombu(?:\[[^\]\n]*\])?[ \t]*==")
#: Sets for Redis: Celery's before 5.5 bring a client alone, those of 5.3 and 5.4 an old one.
_REDIS_SET = re.compile(r"(?im)^[ \t]*(?:celery|kombu)\[[^\]\n]*redis")
_OLD_SET = re.compile(
    r"(?im)^[ \t]*celery\[[^\]\n]*redis[^\]\n]*\][ \t]*[=~]=[ \t]*(?:[0-4]\.|5\.[0-4](?!\d))"
)
_OLD_REDIS_SET = re.compile(
    r"(?im)^[ \t]*celery\[[^\]\n]*redis[^\]\n]*\][ \t]*[=~]=[ \t]*5\.[34](?!\d)"
)
_OF_OLD_REDIS = "kombu<5.6"
#: Sets of packages that have several of these.
_SETS = re.compile(r"(?im)^[ \t]*(?:fastapi|pydantic|celery|passlib|redis)\[")
_IMPORTS = re.compile(r"(?m)^(?:from|import)[ \t]+(\w+)")
#: Code that is not a part of the program.
_ASIDE = re.compile(
    r"(^|/)(scripts?|tools?|notebooks?|examples?|docs?|tests?|migrations|versions|bench\w*|ml|"
    r"training|data|deploy\w*|infra\w*)/|(^|/)(?:setup|conftest|test_\w+|\w+_test)\.py$"
)
#: Files that list the packages of a folder below, which is a program of its own.
_LISTS = re.compile(r"(?:.*/)?(?:[\w.-]*requirements[\w.-]*\.txt|pyproject\.toml|setup\.py)")
#: A line that names a package, with the sets of it that are asked for.
_NAMED = re.compile(r"(?m)^[ \t]*([A-Za-z][\w.-]*)[ \t]*(?:\[([^\]\n]*)\])?")
#: More packages than a list forgets: it is then of another program.
_MOST = 4
MOST_FILES = 200


def lacking(folder: Folder, lists: Iterable[str]) -> tuple[str, ...]:
    """Name the packages that the code of a folder imports and none of its lists has.

    Args:
        lists: the files that list its packages, from the folder.
    """
    texts = [folder.read(name) for name in with_included(lists, folder)]
    whole = "\n".join(texts)
    if not whole.strip() or "--hash=" in whole or re.search(r"(?m)^[ \t]*(?:-e[ \t]|\.|-c)", whole):
        return ()
    listed = {_plain(name) for name, _ in _NAMED.findall(whole)}
    listed |= {_plain(word) for _, sets in _NAMED.findall(whole) for word in sets.split(",")}
    code = [folder.read(file) for file in own_files(folder)]
    imported = {name for text in code for name in _IMPORTS.findall(text)}
    imported = {name for name in imported if not is_own(name, folder)}
    wanted = [_PACKAGES[name] for name in sorted(imported & _PACKAGES.keys())]
    found = [names[0] for names in wanted if not listed & {*names}]
    if not _SETS.search(whole):
        asked = (name for shows, name in _ASKED_FOR if any(map(shows.search, code)))
        found += [name for name in asked if name not in listed]
    is_by_set = _REDIS_SET.search(whole) and not _OLD_SET.search(whole)
    if {"celery", "redis"} <= listed and not is_by_set and not _PINNED_KOMBU.search(whole):
        is_old = _OLD_REDIS.search(whole) or _OLD_REDIS_SET.search(whole)
        known = {_OF_OLD_REDIS} if is_old else {_OF_CELERY_ON_REDIS}
        found += [*(known - listed)] if _OF_OLD_REDIS in known or "kombu" not in listed else []
    return tuple(found) if len(found) <= _MOST else ()


def is_known(name: str) -> bool:
    """Tell whether a name that code imports is that of a known package."""
    return name in _PACKAGES


def assumed(install: str) -> tuple[str, ...]:
    """Say which packages are installed that no list has, as the task's line shows."""
    known = {names[0] for names in _PACKAGES.values()} | {name for _, name in _ASKED_FOR}
    known |= {_OF_CELERY_ON_REDIS}
    behind = re.search(r"\.txt((?: [a-z][\w-]*)+)", install)
    names = [name for name in behind[1].split() if name in known] if behind else []
    return (
        (f"the code needs {', '.join(names)}, which its list of packages lacks",) if names else ()
    )


def own_files(folder: Folder) -> list[str]:
    """List the files of the program, without those of programs below with lists of their own."""
    below = {posixpath.dirname(file) for file in folder.files if _LISTS.fullmatch(file)} - {""}
    others = tuple(f"{place}/" for place in below)
    files = (f for f in folder.sources(".py") if not _ASIDE.search(f) and not f.startswith(others))
    return sorted(files, key=lambda file: (file.count("/"), file))[:MOST_FILES]


def is_own(name: str, folder: Folder) -> bool:
    """Tell whether a name that is imported is a module of the repository itself."""
    tops = (name, f"src/{name}", f"app/{name}", f"backend/{name}")
    return any(folder.exists(f"{top}.py") or folder.exists(f"{top}/__init__.py") for top in tops)


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name.strip()).lower()
