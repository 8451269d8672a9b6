"""A client of S3 that writes a 7 and reads it."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config

#: A server that is asked to refuse, or is gone, is not asked again.
ONCE = Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=5)


class S3:
    async def write(self, url: str) -> None:
        await asyncio.to_thread(_ask, url, "put_object", Body=b"7")

    async def read(self, url: str) -> int:
        answer = await asyncio.to_thread(_ask, url, "get_object")
        return int(answer["Body"].read())


def _ask(url: str, verb: str, **given: Any) -> Any:
    parts = urlsplit(url)
    client = boto3.client(
        "s3",
        endpoint_url=f"http://{parts.hostname}:{parts.port}",
        aws_access_key_id=parts.username,
        aws_secret_access_key=parts.password,
        region_name="us-east-1",
        config=ONCE,
    )
    try:
        return getattr(client, verb)(Bucket=parts.path.lstrip("/"), Key="kept", **given)
    finally:
        client.close()


CLIENT = S3()
