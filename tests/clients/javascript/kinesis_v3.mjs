// Kinesis through the AWS SDK for JavaScript v3. Its client speaks HTTP/2 by itself, for all operations.
import assert from 'node:assert/strict';
import {
  CreateStreamCommand, DeleteStreamCommand, DescribeStreamSummaryCommand, GetRecordsCommand, GetShardIteratorCommand,
  KinesisClient, ListShardsCommand, PutRecordCommand, PutRecordsCommand, RegisterStreamConsumerCommand,
  SplitShardCommand, SubscribeToShardCommand, paginateListStreams, waitUntilStreamExists, waitUntilStreamNotExists,
} from '@aws-sdk/client-kinesis';
import { NodeHttpHandler } from '@smithy/node-http-handler';

const text = (bytes) => new TextDecoder().decode(bytes);
const bytes = (string) => new TextEncoder().encode(string);
const FIRST = 'shardId-000000000000';

async function streamNamed(client, StreamName, ShardCount = 1) {
  await client.send(new CreateStreamCommand({ StreamName, ShardCount }));
  await waitUntilStreamExists({ client, maxWaitTime: 20, minDelay: 1 }, { StreamName });
  const { StreamDescriptionSummary } = await client.send(new DescribeStreamSummaryCommand({ StreamName }));
  assert.equal(StreamDescriptionSummary.StreamStatus, 'ACTIVE');
  return StreamDescriptionSummary.StreamARN;
}

async function records(client, StreamName, ShardId) {
  const where = { StreamName, ShardId, ShardIteratorType: 'TRIM_HORIZON' };
  const { ShardIterator } = await client.send(new GetShardIteratorCommand(where));
  return (await client.send(new GetRecordsCommand({ ShardIterator }))).Records;
}

async function roundTripWith(client, unique) {
  await streamNamed(client, unique, 2);
  const put = await client.send(new PutRecordCommand({
    StreamName: unique, PartitionKey: 'ключ', ExplicitHashKey: '0', Data: new Uint8Array([0, 255]),
  }));
  const [record] = await records(client, unique, put.ShardId);
  assert.deepEqual([...record.Data], [0, 255]);
  assert.equal(record.SequenceNumber, put.SequenceNumber);
  assert.ok(Math.abs(record.ApproximateArrivalTimestamp - Date.now()) < 60_000);
  const Records = Array.from({ length: 100 }, (_, n) => ({ PartitionKey: `k${n}`, Data: bytes(`${n}`) }));
  const answer = await client.send(new PutRecordsCommand({ StreamName: unique, Records }));
  assert.equal(answer.FailedRecordCount, 0);
  const { Shards } = await client.send(new ListShardsCommand({ StreamName: unique }));
  const all = (await Promise.all(Shards.map(({ ShardId }) => records(client, unique, ShardId)))).flat();
  assert.equal(all.length, 101);
  const names = [];
  for await (const page of paginateListStreams({ client }, {})) names.push(...page.StreamNames);
  assert.ok(names.includes(unique));
  await client.send(new DeleteStreamCommand({ StreamName: unique }));
  await waitUntilStreamNotExists({ client, maxWaitTime: 20, minDelay: 1 }, { StreamName: unique });
}

async function pushedWith(client, unique) {
  const StreamARN = await streamNamed(client, unique);
  const { Consumer } = await client.send(new RegisterStreamConsumerCommand({ StreamARN, ConsumerName: 'js' }));
  const { EventStream } = await client.send(new SubscribeToShardCommand({
    ConsumerARN: Consumer.ConsumerARN, ShardId: FIRST, StartingPosition: { Type: 'LATEST' },
  }));
  const seen = [];
  for await (const { SubscribeToShardEvent: event } of EventStream) {
    if (!seen.length && !event.Records.length) {
      await client.send(new PutRecordCommand({ StreamName: unique, PartitionKey: 'k', Data: bytes('pushed') }));
    }
    seen.push(...event.Records.map((record) => text(record.Data)));
    if (event.Records.length) {
      await client.send(new SplitShardCommand({
        StreamName: unique, ShardToSplit: FIRST, NewStartingHashKey: '170141183460469231731687303715884105728',
      }));
    }
    if (event.ChildShards) {
      assert.deepEqual(event.ChildShards.map((child) => child.ParentShards), [[FIRST], [FIRST]]);
      assert.equal(event.ContinuationSequenceNumber, undefined);
    }
  }
  assert.deepEqual(seen, ['pushed']);
}

async function withClient(options, work) {
  const client = new KinesisClient(options);
  try {
    await work(client);
  } finally {
    client.destroy();
  }
}

export const roundTrip = (unique) => withClient({}, (client) => roundTripWith(client, unique));
export const pushed = (unique) => withClient({}, (client) => pushedWith(client, unique));
export const roundTripOverHttp1 = (unique) => (
  withClient({ requestHandler: new NodeHttpHandler() }, (client) => roundTripWith(client, unique)));
export const pushedOverHttp1 = (unique) => (
  withClient({ requestHandler: new NodeHttpHandler() }, (client) => pushedWith(client, unique)));

export const errorShapes = (unique) => withClient({}, async (client) => {
  const missing = client.send(new PutRecordCommand({ StreamName: unique, PartitionKey: 'k', Data: bytes('') }));
  await assert.rejects(missing, (error) => (
    error.name === 'ResourceNotFoundException' && error.message === `Stream ${unique} under account 000000000000 not found.`));
  await streamNamed(client, unique);
  const stale = client.send(new GetRecordsCommand({ ShardIterator: 'made-up' }));
  await assert.rejects(stale, { name: 'InvalidArgumentException', message: 'Invalid ShardIterator.' });
});
