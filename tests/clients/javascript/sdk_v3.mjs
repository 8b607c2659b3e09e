// The AWS SDK for JavaScript v3 as its users write it: no setting but the endpoint variable. S3 is addressed by virtual
// host where the endpoint has a name, and uploads carry a CRC32 in an aws-chunked trailer, both by the SDK's default.
import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import {
  CopyObjectCommand, CreateBucketCommand, DeleteBucketCommand, DeleteObjectCommand, DeleteObjectsCommand,
  DeletePublicAccessBlockCommand,
  GetObjectCommand, HeadBucketCommand, HeadObjectCommand, ListBucketsCommand, ListObjectsV2Command,
  PutBucketOwnershipControlsCommand, PutBucketWebsiteCommand, PutObjectCommand,
  S3Client, paginateListObjectsV2, waitUntilBucketExists,
} from '@aws-sdk/client-s3';
import {
  CreateFunctionCommand, DeleteFunctionCommand, GetFunctionCommand, InvokeCommand, LambdaClient, ListFunctionsCommand,
  UpdateFunctionCodeCommand, waitUntilFunctionActiveV2,
} from '@aws-sdk/client-lambda';
import {
  CloudWatchLogsClient, DescribeLogStreamsCommand, FilterLogEventsCommand, GetLogEventsCommand,
} from '@aws-sdk/client-cloudwatch-logs';
import { Upload } from '@aws-sdk/lib-storage';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';

const MIB = 1024 * 1024;
const ROLE = 'arn:aws:iam::000000000000:role/tests';
const s3 = new S3Client({});
const lambda = new LambdaClient({});
const logs = new CloudWatchLogsClient({});

async function bucketNamed(unique) {
  await s3.send(new CreateBucketCommand({ Bucket: unique }));
  await waitUntilBucketExists({ client: s3, maxWaitTime: 10 }, { Bucket: unique });
  return unique;
}

async function functionNamed(unique, runtime, handler) {
  const { readFileSync } = await import('node:fs');
  await lambda.send(new CreateFunctionCommand({
    FunctionName: unique, Runtime: runtime, Handler: handler, Role: ROLE,
    Code: { ZipFile: readFileSync(process.env.PACKAGE) },
  }));
  await waitUntilFunctionActiveV2({ client: lambda, maxWaitTime: 30 }, { FunctionName: unique });
  return unique;
}

const text = async (response) => response.Body.transformToString();

export async function putAndGet(unique) {
  const Bucket = await bucketNamed(unique);
  const put = await s3.send(new PutObjectCommand({
    Bucket, Key: 'a b/ü+%20.txt', Body: 'hello', ContentType: 'text/plain; charset=utf-8', Metadata: { mine: 'yes' },
  }));
  assert.equal(put.ETag, '"5d41402abc4b2a76b9719d911017c592"');
  assert.equal(put.ChecksumCRC32, 'NhCmhg==');
  const got = await s3.send(new GetObjectCommand({ Bucket, Key: 'a b/ü+%20.txt' }));
  assert.equal(await text(got), 'hello');
  assert.equal(got.ContentType, 'text/plain; charset=utf-8');
  assert.deepEqual(got.Metadata, { mine: 'yes' });
  assert.ok(Math.abs(got.LastModified - Date.now()) < 60_000);
  const part = await s3.send(new GetObjectCommand({ Bucket, Key: 'a b/ü+%20.txt', Range: 'bytes=1-3' }));
  assert.deepEqual([await text(part), part.ContentRange], ['ell', 'bytes 1-3/5']);
  const head = await s3.send(new HeadObjectCommand({ Bucket, Key: 'a b/ü+%20.txt' }));
  assert.equal(head.ContentLength, 5);
}

export async function streamedBodies(unique) {
  const Bucket = await bucketNamed(unique);
  const piece = Buffer.alloc(MIB, 'x');
  const Body = Readable.from([piece, piece, piece.subarray(0, 17)]);
  await s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body, ContentLength: 2 * MIB + 17 }));
  const got = await s3.send(new GetObjectCommand({ Bucket, Key: 'k' }));
  let length = 0;
  for await (const chunk of got.Body) length += chunk.length;
  assert.equal(length, 2 * MIB + 17);
}

export async function everyChecksum(unique) {
  const Bucket = await bucketNamed(unique);
  for (const ChecksumAlgorithm of ['CRC32', 'CRC32C', 'SHA1', 'SHA256']) {
    const put = await s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'hello', ChecksumAlgorithm }));
    const head = await s3.send(new HeadObjectCommand({ Bucket, Key: 'k', ChecksumMode: 'ENABLED' }));
    assert.ok(put[`Checksum${ChecksumAlgorithm}`]);
    assert.equal(head[`Checksum${ChecksumAlgorithm}`], put[`Checksum${ChecksumAlgorithm}`]);
  }
}

export async function listing(unique) {
  const Bucket = await bucketNamed(unique);
  for (const Key of ['a', 'b/1', 'b/2', 'c/1', 'ü&<>']) await s3.send(new PutObjectCommand({ Bucket, Key, Body: Key }));
  const flat = await s3.send(new ListObjectsV2Command({ Bucket }));
  assert.deepEqual(flat.Contents.map(({ Key }) => Key), ['a', 'b/1', 'b/2', 'c/1', 'ü&<>']);
  const folders = await s3.send(new ListObjectsV2Command({ Bucket, Delimiter: '/' }));
  assert.deepEqual(folders.CommonPrefixes.map(({ Prefix }) => Prefix), ['b/', 'c/']);
  assert.deepEqual(folders.Contents.map(({ Key }) => Key), ['a', 'ü&<>']);
  const paged = [];
  for await (const page of paginateListObjectsV2({ client: s3, pageSize: 2 }, { Bucket })) {
    paged.push(...page.Contents.map(({ Key }) => Key));
  }
  assert.deepEqual(paged, ['a', 'b/1', 'b/2', 'c/1', 'ü&<>']);
  const { Buckets } = await s3.send(new ListBucketsCommand({}));
  assert.ok(Buckets.some(({ Name }) => Name === Bucket));
}

export async function multipartUpload(unique) {
  const Bucket = await bucketNamed(unique);
  const Body = Buffer.alloc(12 * MIB, 'm');
  const upload = new Upload({ client: s3, params: { Bucket, Key: 'big', Body }, partSize: 5 * MIB, queueSize: 2 });
  const done = await upload.done();
  assert.match(done.ETag, /-3"$/);
  const head = await s3.send(new HeadObjectCommand({ Bucket, Key: 'big' }));
  assert.equal(head.ContentLength, 12 * MIB);
}

export async function copyAndDelete(unique) {
  const Bucket = await bucketNamed(unique);
  await s3.send(new PutObjectCommand({ Bucket, Key: 'a b', Body: 'x', ContentType: 'text/plain' }));
  const copied = await s3.send(new CopyObjectCommand({ Bucket, Key: 'copy', CopySource: `${Bucket}/a%20b` }));
  assert.ok(copied.CopyObjectResult.ETag);
  assert.equal((await s3.send(new HeadObjectCommand({ Bucket, Key: 'copy' }))).ContentType, 'text/plain');
  await s3.send(new DeleteObjectCommand({ Bucket, Key: 'a b' }));
  const many = await s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects: [{ Key: 'copy' }, { Key: 'no' }] } }));
  assert.equal(many.Deleted.length, 2);
  await s3.send(new DeleteBucketCommand({ Bucket }));
  await assert.rejects(s3.send(new HeadBucketCommand({ Bucket })), { name: 'NotFound' });
}

export async function presignedUrls(unique) {
  const Bucket = await bucketNamed(unique);
  const put = await getSignedUrl(s3, new PutObjectCommand({ Bucket, Key: 'k' }), { expiresIn: 60 });
  assert.equal((await fetch(put, { method: 'PUT', body: 'by url' })).status, 200);
  const get = await getSignedUrl(s3, new GetObjectCommand({ Bucket, Key: 'k' }), { expiresIn: 60 });
  assert.equal(await (await fetch(get)).text(), 'by url');
  const forged = await fetch(get.replace(/X-Amz-Signature=..../, 'X-Amz-Signature=0000'));
  assert.equal(forged.status, 403);
  assert.match(await forged.text(), /<Code>SignatureDoesNotMatch<\/Code>/);
}

export async function website(unique) {
  const Bucket = await bucketNamed(unique);
  // Since 2023 a new bucket takes no ACLs and is not for the public until told otherwise.
  await s3.send(new PutBucketOwnershipControlsCommand({
    Bucket, OwnershipControls: { Rules: [{ ObjectOwnership: 'BucketOwnerPreferred' }] },
  }));
  await s3.send(new DeletePublicAccessBlockCommand({ Bucket }));
  await s3.send(new PutBucketWebsiteCommand({
    Bucket, WebsiteConfiguration: { IndexDocument: { Suffix: 'index.html' }, ErrorDocument: { Key: 'error.html' } },
  }));
  const page = (Key, Body) => new PutObjectCommand({ Bucket, Key, Body, ACL: 'public-read', ContentType: 'text/html' });
  await s3.send(page('index.html', '<h1>home</h1>'));
  await s3.send(page('posts/index.html', '<h1>posts</h1>'));
  await s3.send(page('error.html', '<h1>lost</h1>'));
  assert.deepEqual(await browse(Bucket, '/'), [200, '<h1>home</h1>']);
  assert.deepEqual(await browse(Bucket, '/posts/'), [200, '<h1>posts</h1>']);
  assert.deepEqual(await browse(Bucket, '/absent'), [404, '<h1>lost</h1>']);
}

// `fetch` lets nobody set the Host header.
async function browse(bucket, path) {
  const { request } = await import('node:http');
  const endpoint = new URL(process.env.AWS_ENDPOINT_URL);
  const headers = { host: `${bucket}.s3-website.localhost:${endpoint.port}` };
  const response = await new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port: endpoint.port, path, headers }, resolve).on('error', reject).end();
  });
  let body = '';
  for await (const chunk of response) body += chunk;
  return [response.statusCode, body];
}

export async function errorShapes(unique) {
  const Bucket = await bucketNamed(unique);
  await assert.rejects(s3.send(new GetObjectCommand({ Bucket, Key: 'no' })), (error) => {
    assert.equal(error.name, 'NoSuchKey');
    assert.equal(error.Key, 'no');
    assert.equal(error.$metadata.httpStatusCode, 404);
    assert.ok(error.$metadata.requestId);
    return true;
  });
  await assert.rejects(s3.send(new HeadObjectCommand({ Bucket, Key: 'no' })), { name: 'NotFound' });
  await assert.rejects(s3.send(new GetObjectCommand({ Bucket: `${unique}-no`, Key: 'k' })), { name: 'NoSuchBucket' });
  await assert.rejects(lambda.send(new InvokeCommand({ FunctionName: 'no' })), (error) => {
    assert.equal(error.name, 'ResourceNotFoundException');
    assert.equal(error.Type, 'User');
    assert.match(error.message, /^Function not found: arn:aws:lambda:/);
    return true;
  });
  await assert.rejects(logs.send(new GetLogEventsCommand({ logGroupName: 'no', logStreamName: 'no' })),
    { name: 'ResourceNotFoundException' });
  const stranger = new S3Client({ credentials: { accessKeyId: 'AKIASTRANGER', secretAccessKey: 'x' } });
  await assert.rejects(stranger.send(new ListBucketsCommand({})), { name: 'InvalidAccessKeyId' });
  await assert.rejects(s3.send(new CreateBucketCommand({ Bucket: 'Not_A_Name' })), { name: 'InvalidBucketName' });
}

export async function invoking(unique) {
  const FunctionName = await functionNamed(unique, process.env.RUNTIME, 'index.handler');
  const Payload = JSON.stringify({ name: 'wörld' });
  const first = await lambda.send(new InvokeCommand({ FunctionName, Payload, LogType: 'Tail' }));
  assert.equal(first.StatusCode, 200);
  assert.equal(first.FunctionError, undefined);
  assert.equal(first.ExecutedVersion, '$LATEST');
  assert.deepEqual(JSON.parse(first.Payload.transformToString()), { hello: 'wörld' });
  assert.match(Buffer.from(first.LogResult, 'base64').toString(), /START RequestId: .*greeting.*REPORT RequestId: /s);
  const failed = await lambda.send(new InvokeCommand({ FunctionName, Payload: '{"fail": true}' }));
  assert.equal(failed.FunctionError, 'Unhandled');
  assert.equal(JSON.parse(failed.Payload.transformToString()).errorType, 'RangeError');
  const event = await lambda.send(new InvokeCommand({ FunctionName, Payload, InvocationType: 'Event' }));
  assert.equal(event.StatusCode, 202);
  const dry = await lambda.send(new InvokeCommand({ FunctionName, Payload, InvocationType: 'DryRun' }));
  assert.equal(dry.StatusCode, 204);
  await assertLogged(`/aws/lambda/${FunctionName}`, 'greeting');
}

async function assertLogged(logGroupName, filterPattern) {
  for (let attempt = 0; ; attempt += 1) {
    const { events } = await logs.send(new FilterLogEventsCommand({ logGroupName, filterPattern }));
    if (events.length >= 2) break;
    assert.ok(attempt < 50, 'the asynchronous invocation was never logged');
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const { logStreams } = await logs.send(new DescribeLogStreamsCommand({ logGroupName }));
  const [{ logStreamName }] = logStreams;
  const { events } = await logs.send(new GetLogEventsCommand({ logGroupName, logStreamName, startFromHead: true }));
  assert.ok(events.some(({ message }) => message.includes(filterPattern)));
}

export async function managing(unique) {
  const FunctionName = await functionNamed(unique, process.env.RUNTIME, 'index.handler');
  const { Configuration } = await lambda.send(new GetFunctionCommand({ FunctionName }));
  assert.deepEqual([Configuration.State, Configuration.MemorySize, Configuration.Timeout], ['Active', 128, 3]);
  const { Functions } = await lambda.send(new ListFunctionsCommand({}));
  assert.ok(Functions.some((listed) => listed.FunctionName === FunctionName));
  const { readFileSync } = await import('node:fs');
  const updated = await lambda.send(new UpdateFunctionCodeCommand({
    FunctionName, ZipFile: readFileSync(process.env.PACKAGE),
  }));
  assert.equal(updated.CodeSha256, Configuration.CodeSha256);
  await lambda.send(new DeleteFunctionCommand({ FunctionName }));
  await assert.rejects(lambda.send(new GetFunctionCommand({ FunctionName })), { name: 'ResourceNotFoundException' });
  await assert.rejects(functionNamed(unique, 'cobol74', 'index.handler'), (error) => {
    assert.equal(error.name, 'InvalidParameterValueException');
    return true;
  });
}
