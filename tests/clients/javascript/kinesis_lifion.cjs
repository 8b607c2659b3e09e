// lifion-kinesis: a consumer that shares shards by leases in a DynamoDB table and keeps its checkpoints there. It polls;
// with enhanced fan-out it would sign its requests for AWS's own host name, whatever endpoint it is given.
const assert = require('node:assert/strict');
const Lifion = require('lifion-kinesis');
const { Kinesis } = require('aws-sdk');

const endpoint = process.env.AWS_ENDPOINT_URL;
const TOTAL = 60;

exports.polling = async (unique) => {
  const kinesis = new Kinesis({ endpoint });
  await kinesis.createStream({ StreamName: unique, ShardCount: 2 }).promise();
  const consumer = new Lifion({
    streamName: unique,
    consumerGroup: `${unique}-group`,
    endpoint,
    dynamoDb: { endpoint, tableName: `${unique}-leases` },
    initialPositionInStream: 'TRIM_HORIZON',
    leaseAcquisitionInterval: 500,
    leaseAcquisitionRecoveryInterval: 200,
    noRecordsPollDelay: 250,
    pollDelay: 250,
  });
  const seen = [];
  let finished;
  const done = new Promise((resolve, reject) => {
    finished = resolve;
    consumer.on('error', reject);
  });
  consumer.on('data', ({ records }) => {
    seen.push(...records.map(({ data }) => data.number));
    if (seen.length >= TOTAL) finished();
  });
  await put(kinesis, unique, 0);
  await consumer.startConsumer();
  await put(kinesis, unique, TOTAL / 2);
  await done;
  consumer.stopConsumer();
  assert.deepEqual(seen.sort((a, b) => a - b), Array.from({ length: TOTAL }, (_, n) => n));
  process.exit(0); // its timers would keep it
};

async function put(kinesis, StreamName, since) {
  const Records = Array.from({ length: TOTAL / 2 }, (_, n) => (
    { PartitionKey: `key-${n}`, Data: JSON.stringify({ number: since + n }) }));
  const { FailedRecordCount } = await kinesis.putRecords({ StreamName, Records }).promise();
  assert.equal(FailedRecordCount, 0);
}
