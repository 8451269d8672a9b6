"""Take all that tests have left in a Kafka: their topics, and where their groups stood there."""

from __future__ import annotations

from typing import Any

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupLoadInProgressError, for_code
from aiokafka.protocol.admin import DeleteGroupsRequest
from waiting import until

#: Codes of Kafka: deleted, or there is none; it has members still, or is being loaded.
_GONE, _WAIT = {0, 69}, {68, GroupLoadInProgressError.errno}


async def empty(login: dict[str, Any]) -> None:
    """Delete all topics and groups, as the administrator that logs in so.

    A broker forgets where a group stood in a topic that is deleted some time later, and not at all
    if it is killed meanwhile: then the group leaves out as many messages of the next one of that
    name. A group whose member was killed is waited for, until its session has ended.
    """
    admin = AIOKafkaAdminClient(**login)
    await admin.start()
    topics = [name for name in await admin.list_topics() if not name.startswith("__")]
    if topics:
        await admin.delete_topics(topics)
    await until(lambda: _without_groups(admin))
    await admin.close()


async def _without_groups(admin: AIOKafkaAdminClient) -> bool:
    try:
        groups = [name for name, *_ in await admin.list_consumer_groups()]
    except GroupLoadInProgressError:
        return False
    codes = {0}
    for group in groups:
        broker = await admin.find_coordinator(group)
        answer = await admin._send_request(DeleteGroupsRequest([group]), broker)
        codes |= {code for _, code in answer.results}
    for code in codes - _GONE - _WAIT:
        raise for_code(code)(f"groups {groups} are not deleted")
    return codes <= _GONE
