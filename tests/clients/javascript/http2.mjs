// The AWS SDK for JavaScript v3 over HTTP/2 in cleartext, as its Kinesis client speaks it: many requests on one session.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import {
  CloudWatchLogsClient, CreateLogGroupCommand, CreateLogStreamCommand, PutLogEventsCommand, StartLiveTailCommand,
} from '@aws-sdk/client-cloudwatch-logs';
import {
  CreateTableCommand, DynamoDBClient, GetItemCommand, PutItemCommand, waitUntilTableExists,
} from '@aws-sdk/client-dynamodb';
import {
  CreateBucketCommand, DeleteObjectCommand, GetObjectCommand, HeadObjectCommand, ListObjectsV2Command, PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { NodeHttp2Handler } from '@smithy/node-http-handler';

const requestHandler = new NodeHttp2Handler();
const s3 = new S3Client({ requestHandler, forcePathStyle: true });
// For a checksum behind a streamed body the SDK would use the chunked coding, which HTTP/2 does not have.
const streaming = new S3Client({ requestHandler, forcePathStyle: true, requestChecksumCalculation: 'WHEN_REQUIRED' });
const bytesOf = async (answer) => Buffer.from(await answer.Body.transformToByteArray());

export async function objects(Bucket) {
  await s3.send(new CreateBucketCommand({ Bucket }));
  const large = randomBytes(5 * 1024 * 1024);
  await s3.send(new PutObjectCommand({ Bucket, Key: 'large', Body: large }));
  const streamed = Readable.from([large.subarray(0, 1_000_000), large.subarray(1_000_000)]);
  await streaming.send(new PutObjectCommand({ Bucket, Key: 'a b/+é', Body: streamed, ContentLength: large.length }));
  assert.ok(large.equals(await bytesOf(await s3.send(new GetObjectCommand({ Bucket, Key: 'large' })))));
  assert.ok(large.equals(await bytesOf(await s3.send(new GetObjectCommand({ Bucket, Key: 'a b/+é' })))));
  assert.equal((await s3.send(new HeadObjectCommand({ Bucket, Key: 'large' }))).ContentLength, large.length);
  await s3.send(new DeleteObjectCommand({ Bucket, Key: 'large' }));
  await assert.rejects(s3.send(new GetObjectCommand({ Bucket, Key: 'large' })), { name: 'NoSuchKey' });
  await assert.rejects(s3.send(new HeadObjectCommand({ Bucket, Key: 'large' })), { name: 'NotFound' });
}

export async function manyAtOnce(Bucket) {
  await s3.send(new CreateBucketCommand({ Bucket }));
  const bodies = Array.from({ length: 150 }, (_, n) => randomBytes(n * 400)); // Node holds 10 MB
  await Promise.all(bodies.map((Body, n) => s3.send(new PutObjectCommand({ Bucket, Key: `${n}`, Body }))));
  const answers = await Promise.all(bodies.map(async (_, n) => (
    bytesOf(await s3.send(new GetObjectCommand({ Bucket, Key: `${n}` })))
  )));
  answers.forEach((found, n) => assert.ok(bodies[n].equals(found), `object ${n}`));
  assert.equal((await s3.send(new ListObjectsV2Command({ Bucket }))).KeyCount, bodies.length);
}

export async function tables(TableName) {
  const client = new DynamoDBClient({ requestHandler });
  await client.send(new CreateTableCommand({
    TableName,
    KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
    AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
    BillingMode: 'PAY_PER_REQUEST',
  }));
  await waitUntilTableExists({ client, maxWaitTime: 20, minDelay: 1 }, { TableName });
  const ids = Array.from({ length: 200 }, (_, n) => ({ S: `item ${n}` }));
  await Promise.all(ids.map((id) => client.send(new PutItemCommand({ TableName, Item: { id, copy: id } }))));
  const found = await Promise.all(ids.map((id) => client.send(new GetItemCommand({ TableName, Key: { id } }))));
  assert.deepEqual(found.map((one) => one.Item.copy), ids);
}

// An event stream: each event must be here when it happens, while the response goes on.
export async function liveTail(logGroupName) {
  const client = new CloudWatchLogsClient({ requestHandler, disableHostPrefix: true });
  await client.send(new CreateLogGroupCommand({ logGroupName }));
  await client.send(new CreateLogStreamCommand({ logGroupName, logStreamName: 's' }));
  const arn = `arn:aws:logs:us-east-1:000000000000:log-group:${logGroupName}`;
  const { responseStream } = await client.send(new StartLiveTailCommand({ logGroupIdentifiers: [arn] }));
  for await (const event of responseStream) {
    if (event.sessionStart) {
      const logEvents = [{ timestamp: Date.now(), message: 'now' }];
      await client.send(new PutLogEventsCommand({ logGroupName, logStreamName: 's', logEvents }));
    }
    const [line] = event.sessionUpdate?.sessionResults ?? [];
    if (line) {
      assert.equal(line.message, 'now');
      break;
    }
  }
  process.exit(0); // the response goes on, and the session with it
}
