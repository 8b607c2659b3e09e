'use strict';
// The AWS SDK for JavaScript v2, outside a function: the endpoint is set in the code, as its users have to.
const assert = require('node:assert/strict');
const { readFileSync } = require('node:fs');
const AWS = require('aws-sdk');

const MIB = 1024 * 1024;
const endpoint = process.env.AWS_ENDPOINT_URL;
AWS.config.update({ endpoint, s3ForcePathStyle: true, region: process.env.AWS_REGION });
const s3 = new AWS.S3();
const lambda = new AWS.Lambda();
const logs = new AWS.CloudWatchLogs();

exports.objects = async (Bucket) => {
  await s3.createBucket({ Bucket }).promise();
  const put = await s3.putObject({ Bucket, Key: 'a b/ü.txt', Body: 'hello', ContentType: 'text/plain' }).promise();
  assert.equal(put.ETag, '"5d41402abc4b2a76b9719d911017c592"');
  const got = await s3.getObject({ Bucket, Key: 'a b/ü.txt' }).promise();
  assert.deepEqual([got.Body.toString(), got.ContentType], ['hello', 'text/plain']);
  await s3.copyObject({ Bucket, Key: 'copy', CopySource: `${Bucket}/${encodeURIComponent('a b/ü.txt')}` }).promise();
  const { Contents } = await s3.listObjects({ Bucket }).promise();
  assert.deepEqual(Contents.map(({ Key }) => Key), ['a b/ü.txt', 'copy']);
  await s3.upload({ Bucket, Key: 'big', Body: Buffer.alloc(11 * MIB, 'x') }, { partSize: 5 * MIB }).promise();
  assert.equal((await s3.headObject({ Bucket, Key: 'big' }).promise()).ContentLength, 11 * MIB);
  for (const signatureVersion of ['v2', 'v4']) {
    const signer = new AWS.S3({ signatureVersion });
    const url = await signer.getSignedUrlPromise('getObject', { Bucket, Key: 'a b/ü.txt', Expires: 60 });
    assert.equal(await (await fetch(url)).text(), 'hello');
  }
  const Objects = [{ Key: 'a b/ü.txt' }, { Key: 'copy' }, { Key: 'big' }];
  await s3.deleteObjects({ Bucket, Delete: { Objects } }).promise();
  await s3.deleteBucket({ Bucket }).promise();
};

exports.virtualHosts = async (Bucket) => {
  const byHost = new AWS.S3({ endpoint: endpoint.replace('127.0.0.1', 's3.localhost'), s3ForcePathStyle: false });
  byHost.config.httpOptions.agent = new (require('node:http').Agent)({ lookup: toLoopback });
  await byHost.createBucket({ Bucket }).promise();
  await byHost.putObject({ Bucket, Key: 'k', Body: 'by host' }).promise();
  assert.equal((await s3.getObject({ Bucket, Key: 'k' }).promise()).Body.toString(), 'by host');
};

// `*.localhost` is loopback (RFC 6761), but not every resolver knows.
function toLoopback(_host, options, callback) {
  if (options.all) callback(null, [{ address: '127.0.0.1', family: 4 }]);
  else callback(null, '127.0.0.1', 4);
}

exports.functions = async (FunctionName) => {
  await lambda.createFunction({
    FunctionName, Runtime: process.env.RUNTIME, Handler: 'index.handler', Role: 'arn:aws:iam::000000000000:role/tests',
    Code: { ZipFile: readFileSync(process.env.PACKAGE) },
  }).promise();
  await lambda.waitFor('functionActive', { FunctionName }).promise();
  const result = await lambda.invoke({ FunctionName, Payload: '{"name": "v2"}', LogType: 'Tail' }).promise();
  assert.deepEqual([result.StatusCode, JSON.parse(result.Payload)], [200, { hello: 'v2' }]);
  assert.match(Buffer.from(result.LogResult, 'base64').toString(), /greeting/);
  const accepted = await lambda.invokeAsync({ FunctionName, InvokeArgs: '{"name": "2015"}' }).promise();
  assert.equal(accepted.Status, 202);
  const { logStreams } = await logs.describeLogStreams({ logGroupName: `/aws/lambda/${FunctionName}` }).promise();
  assert.ok(logStreams.length > 0);
  await lambda.deleteFunction({ FunctionName }).promise();
};

exports.errorShapes = async (Bucket) => {
  await s3.createBucket({ Bucket }).promise();
  await assert.rejects(s3.getObject({ Bucket, Key: 'no' }).promise(), { code: 'NoSuchKey', statusCode: 404 });
  await assert.rejects(s3.headObject({ Bucket, Key: 'no' }).promise(), { code: 'NotFound', statusCode: 404 });
  await assert.rejects(lambda.getFunction({ FunctionName: 'no' }).promise(),
    { code: 'ResourceNotFoundException', statusCode: 404 });
  await assert.rejects(logs.getLogEvents({ logGroupName: 'no', logStreamName: 'no' }).promise(),
    { code: 'ResourceNotFoundException', statusCode: 400 });
  const stranger = new AWS.S3({ credentials: new AWS.Credentials('AKIASTRANGER', 'x') });
  await assert.rejects(stranger.listBuckets().promise(), { code: 'InvalidAccessKeyId', statusCode: 403 });
};
