"""What people change while records are on their way: steps of a run, and how all of it is put right at its end."""

import asyncio

from delivery.conservation import sources
from delivery.conservation.edge import RELIEF
from delivery.conservation.lines import (
    FUNCTIONS,
    GIVEN_UP,
    LINES,
    LOGGED,
    MAPPED_QUEUES,
    RELAY,
    RELIEFS,
    RELIEVED,
    STREAM,
    arn,
    queue_url,
)
from delivery.conservation.sources import ARCHIVES, OPEN, OPEN_TOPIC, TOLD, Replayed, policy
from delivery.conservation.world import PATIENCE_SECONDS, World
from lambent.services.lambda_ import event_source_store
from lambent.wire.errors import ServiceError

#: Functions and queues that may be closed to those who send to them: these hold on to it, or have a dead-letter queue.
PERMITTED = ("notices", "events", "logged", "replayed")
CLOSABLE = ("notices-inbox", "events-inbox", "replayed-inbox")
#: Lines of queues that may find their queue, or the topic before it, closed, and have a dead-letter queue for that.
REFUSED = (*CLOSABLE, "events-told")
#: Destinations that refuse for less than their senders go on trying.
REFUSING_QUEUES = ("objects-inbox", "objects-dead", "logged-dead", "asked-dead")
REFUSING_TOPICS = tuple(TOLD)
BRIEF_SECONDS = (1.0, 5.0, 20.0)

#: Streams that may be deleted.
DELETABLE = (RELAY, LOGGED)

MAX_SHARDS = 4


async def throttle(world: World) -> None:
    name = world.chance.choice((*FUNCTIONS, *RELIEFS))
    reserved = world.chance.choice((0, 0, 1, 2, None))
    if reserved is None:
        await world.life.call("lambda", "deleteFunctionConcurrency", FunctionName=name)
    else:
        await world.life.call(
            "lambda", "putFunctionConcurrency", FunctionName=name, ReservedConcurrentExecutions=reserved
        )


# Permissions.


async def forbid(world: World) -> None:
    """A permission goes, or a door is shut: what it was for waits or is given up."""
    match world.chance.randrange(4):
        case 0:
            name = world.chance.choice(PERMITTED)
            await _quietly(world, "lambda", "removePermission", FunctionName=name, StatementId="source")
        case 1:
            await _set_policy(world, world.chance.choice(CLOSABLE), "")
        case 2:
            world.life.endpoint.is_shut = True
        case _:
            world.life.endpoint.is_forged = True


async def permit(world: World) -> None:
    for name in PERMITTED:
        await _quietly(world, "lambda", "removePermission", FunctionName=name, StatementId="source")
        await sources.permit(world.life, name)
    for queue in CLOSABLE:
        await _set_policy(world, queue, OPEN)
    world.life.endpoint.is_shut = world.life.endpoint.is_forged = False


async def forbid_briefly(world: World) -> None:
    """Those who send here give up soon, and nobody is told: so not for long."""
    for queue in REFUSING_QUEUES:
        await _set_policy(world, queue, policy("Deny", "*", "sqs:SendMessage"))
    for topic in REFUSING_TOPICS:
        await _set_topic_policy(world, topic, policy("Deny", "*", "sns:Publish"))
    nothing = policy("Deny", "*", "s3:PutObject", f"arn:aws:s3:::{GIVEN_UP}/*")
    await world.life.call("s3", "putBucketPolicy", Bucket=GIVEN_UP, Policy=nothing)
    world.begin_to_put()
    await world.life.pass_time(world.chance.choice(BRIEF_SECONDS))
    await world.life.call("s3", "deleteBucketPolicy", Bucket=GIVEN_UP)
    for topic in REFUSING_TOPICS:
        await _set_topic_policy(world, topic, OPEN_TOPIC)
    for queue in REFUSING_QUEUES:
        await _set_policy(world, queue, OPEN)


async def _set_policy(world: World, queue: str, wanted: str) -> None:
    await world.life.call("sqs", "setQueueAttributes", QueueUrl=queue_url(queue), Attributes={"Policy": wanted})


async def _set_topic_policy(world: World, topic: str, wanted: str) -> None:
    request = {"TopicArn": arn("sns", topic), "AttributeName": "Policy", "AttributeValue": wanted}
    await world.life.call("sns", "setTopicAttributes", **request)


async def _quietly(world: World, service: str, action: str, **request: object) -> None:
    try:
        await world.life.call(service, action, **request)
    except ServiceError as error:
        if error.status != 404:
            raise


# Mappings.


async def change_mapping(world: World) -> None:
    function = world.chance.choice(list(world.deployed.mappings))
    options = sources.mapping_options(function, world.chance) | {"Enabled": world.chance.random() < 0.8}
    if function in RELIEVED and world.chance.random() < 0.5:
        options["FunctionName"] = world.chance.choice((function, f"{function}{RELIEF}"))
    await _keep_busy(world, function)
    await _update_mapping(world, function, options)


async def delete_mapping(world: World) -> None:
    """What it has in hand is handled, or remains in its source."""
    function = world.chance.choice(list(world.deployed.mappings))
    uuid = world.deployed.mappings[function]
    mapping = world.life.database.read(lambda tx: event_source_store.find_mapping(tx, uuid))
    if mapping is not None and function not in world.deployed.unmapped:
        await _keep_busy(world, function)
        await world.life.call("lambda", "deleteEventSourceMapping", UUID=uuid)
        world.deployed.unmapped[function] = mapping


async def _keep_busy(world: World, function: str) -> None:
    """Perhaps its mapping has something in hand."""
    if world.chance.random() < 0.5:
        world.begin_to_put(next(line.source for line in LINES if line.end_name == function))
        await world.hesitate()


async def make_mappings(world: World) -> None:
    """Anew, where one was deleted and its stream is there."""
    missing = {arn("kinesis", f"stream/{stream}") for stream in world.missing_streams}
    for function in list(world.deployed.unmapped):
        if world.deployed.sources[function] not in missing:
            await _make_mapping(world, function)


async def _make_mapping(world: World, function: str) -> None:
    """When the one before has nothing in hand. Of a stream it begins from the beginning, and so do its books."""
    if world.look(lambda books: books.mapping_of(function) is not None or books.is_telling()):
        return
    if function not in MAPPED_QUEUES.values():
        world.deployed.begun[function] = world.look(lambda books: books.account_of(function))
    await sources.create_mapping(world.life, world.deployed, function, world.chance)
    del world.deployed.unmapped[function]


async def _update_mapping(world: World, function: str, options: dict[str, object]) -> None:
    try:
        await world.life.call("lambda", "updateEventSourceMapping", UUID=world.deployed.mappings[function], **options)
    except ServiceError as error:
        if error.code not in ("ResourceInUseException", "ResourceNotFoundException"):  # busy, or deleted
            raise


# Streams.


async def reshard(world: World) -> None:
    stream = world.chance.choice((STREAM, RELAY, LOGGED))
    if stream in world.missing_streams:
        return
    listed = await world.life.call("kinesis", "listShards", StreamName=stream)
    shards = [one for one in listed["Shards"] if "EndingSequenceNumber" not in one["SequenceNumberRange"]]
    ranges = {one["ShardId"]: [int(end) for end in one["HashKeyRange"].values()] for one in shards}
    by_start = sorted(ranges, key=lambda one: min(ranges[one]))
    name = world.chance.choice(by_start)
    if len(by_start) < MAX_SHARDS and (len(by_start) == 1 or world.chance.random() < 0.5):
        middle = str(sum(ranges[name]) // 2)
        request = {"ShardToSplit": name, "NewStartingHashKey": middle}
        await world.life.call("kinesis", "splitShard", StreamName=stream, **request)
    else:
        at = world.chance.randrange(len(by_start) - 1)
        request = {"ShardToMerge": by_start[at], "AdjacentShardToMerge": by_start[at + 1]}
        await world.life.call("kinesis", "mergeShards", StreamName=stream, **request)


async def delete_stream(world: World) -> None:
    """With all that is in it: who wrote that there is done with it. Who writes meanwhile waits, or gives up."""
    stream = world.chance.choice(DELETABLE)
    if stream not in world.missing_streams:
        await world.life.call("kinesis", "deleteStream", StreamName=stream)
        world.missing_streams.add(stream)
        world.note_destroyed(stream)


async def make_streams(world: World) -> None:
    """Again, those that are missing."""
    for stream in sorted(world.missing_streams):
        await sources.create_stream(world.life, stream)
        world.missing_streams.discard(stream)


# Subscriptions, archives and replays.


async def change_subscriptions(world: World) -> None:
    """They go on where they are."""
    await world.life.call(
        "sns",
        "setSubscriptionAttributes",
        SubscriptionArn=world.chance.choice(world.deployed.posted),
        AttributeName="DeliveryPolicy",
        AttributeValue=sources.delivery_policy(world.chance),
    )
    if LOGGED not in world.missing_streams:
        await sources.put_filter(world.life, "streamed", arn("kinesis", f"stream/{LOGGED}"), world.chance)


async def replay(world: World) -> None:
    """Of what an archive has, from some time to some other, which may be yet to come."""
    archive, now_ms = world.chance.choice(ARCHIVES), world.clock.now_ms()
    kept = world.look(lambda books: books.archived(archive))
    times = [time_ms for time_ms, _, _ in kept] or [now_ms]
    first_ms = world.chance.choice((times[0], times[0], world.chance.choice(times)))
    end_ms = world.chance.choice((now_ms + 3_600_000, max(times) + 1000, first_ms + 1000))
    name = f"r{len(world.deployed.replays)}"
    world.deployed.replays[name] = Replayed([one for one in kept if first_ms <= one[0] < end_ms])
    await world.life.call(
        "events",
        "startReplay",
        ReplayName=name,
        EventSourceArn=arn("events", f"archive/{archive}"),
        EventStartTime=first_ms / 1000,
        EventEndTime=end_ms / 1000,
        Destination={"Arn": arn("events", "event-bus/default"), "FilterArns": [arn("events", "rule/replayed")]},
    )


async def cancel_replay(world: World) -> None:
    """One that was just begun, if it has not ended yet."""
    await _replay_a_part(world)
    name = f"r{len(world.deployed.replays) - 1}"
    try:
        await world.life.call("events", "cancelReplay", ReplayName=name)
    except ServiceError as error:
        if error.code != "IllegalStatusException":
            raise


async def delete_archive(world: World) -> None:
    """Replays of it end where they are. Another one of its name begins empty."""
    await _replay_a_part(world)
    await world.life.call("events", "deleteArchive", ArchiveName="brief")
    await sources.create_archive(world.life, "brief")


async def _replay_a_part(world: World) -> None:
    await asyncio.gather(*world.begin_to_put("events"))
    await world.life.settle()
    await replay(world)
    for _ in range(world.chance.choice((0, 0, 5, 20))):
        await asyncio.sleep(0)


# The end.


async def undo(world: World) -> None:
    """Nothing is in the way any more."""
    for name in (*FUNCTIONS, *RELIEFS):
        await world.life.call("lambda", "deleteFunctionConcurrency", FunctionName=name)
    await permit(world)
    await make_streams(world)
    await world.life.settle()
    end = world.clock.monotonic() + PATIENCE_SECONDS
    while world.deployed.unmapped:
        assert world.clock.monotonic() < end, f"mappings do not end: {list(world.deployed.unmapped)}"
        await world.life.pass_time(1)
        await make_mappings(world)
    for function in world.deployed.mappings:
        await _update_mapping(world, function, {"Enabled": True})
