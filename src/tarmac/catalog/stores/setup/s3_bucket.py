"""The bucket of an S3 store, the keys of its users, and by what such a server is known."""

from __future__ import annotations

from tarmac.base.launch import File, text
from tarmac.catalog.stores.kind import Fingerprint, StoreContext

ADMIN = "tarmac"
#: What clients sign with where nothing else is said; a server here has no other.
REGION = "us-east-1"
SHORTEST_NAME = 3


def bucket(context: StoreContext) -> str:
    """Name its bucket as the store, or as `database` says, in lower case, without underscores."""
    name = context.database.lower().replace("_", "-").strip("-")
    return name if len(name) >= SHORTEST_NAME else f"{name}-bucket"


def users(context: StoreContext) -> File:
    """Write its users as its `--iam-dir` has them."""
    accounts = [
        text(
            f'"{user.role}":{{"access":"{user.role}","secret":"',
            user.password,
            '","role":"admin","userID":0,"groupID":0,"projectID":0}',
            "," if user is not context.users[-1] else "",
        )
        for user in context.users
    ]
    return File("iam/users.json", text('{"accessAccounts":{', *accounts, "}}"))


FINGERPRINT = Fingerprint(
    images=("minio", "versitygw", "s3mock", "rustfs", "garage"),
    numbered=("versitygw",),
    schemes=("s3",),
    port=9000,
    clients=r"client-s3|aws-sdk-s3|service/s3|\bminio\b|s3fs|django-storages|boto3",
    stems=("MINIO", "S3", "AWS_S3", "OBJECT_STORAGE"),
    parts={
        **dict.fromkeys(("ENDPOINT_URL", "ENDPOINT"), "endpoint"),
        **dict.fromkeys(("ACCESS_KEY_ID", "ACCESS_KEY", "ROOT_USER", "ACCESS_KEYID"), "user"),
        **dict.fromkeys(("SECRET_ACCESS_KEY", "SECRET_KEY", "ROOT_PASSWORD"), "password"),
        **dict.fromkeys(("BUCKET_NAME", "BUCKET", "STORAGE_BUCKET_NAME"), "bucket"),
        **dict.fromkeys(("REGION", "REGION_NAME", "DEFAULT_REGION"), "region"),
    },
)
