"""A client of mongodb that writes a 7 and reads it."""

from __future__ import annotations

import pymongo


class MongoDb:
    async def write(self, url: str) -> None:
        async with pymongo.AsyncMongoClient(url, serverSelectionTimeoutMS=4000) as client:
            kept = client.get_default_database()["kept"]
            journaled = kept.with_options(write_concern=pymongo.WriteConcern(w="majority", j=True))
            await journaled.insert_one({"_id": 7})

    async def read(self, url: str) -> int:
        async with pymongo.AsyncMongoClient(url, serverSelectionTimeoutMS=4000) as client:
            return int((await client.get_default_database()["kept"].find_one())["_id"])


CLIENT = MongoDb()
