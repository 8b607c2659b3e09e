'use strict';
// DynamoDB through the AWS SDK for JavaScript v2, with promises and with the callbacks of its time.
const assert = require('node:assert/strict');
const { promisify } = require('node:util');
const AWS = require('aws-sdk');

AWS.config.update({ endpoint: process.env.AWS_ENDPOINT_URL, region: process.env.AWS_REGION });
const dynamodb = new AWS.DynamoDB();
const documents = new AWS.DynamoDB.DocumentClient({ convertEmptyValues: false });
const streams = new AWS.DynamoDBStreams();

async function tableNamed(TableName, more = {}) {
  await dynamodb.createTable({
    TableName,
    KeySchema: [{ AttributeName: 'event_key', KeyType: 'HASH' }, { AttributeName: 'start_timestamp', KeyType: 'RANGE' }],
    AttributeDefinitions: [
      { AttributeName: 'event_key', AttributeType: 'S' }, { AttributeName: 'start_timestamp', AttributeType: 'N' },
    ],
    ProvisionedThroughput: { ReadCapacityUnits: 5, WriteCapacityUnits: 5 },
    ...more,
  }).promise();
  await dynamodb.waitFor('tableExists', { TableName, $waiter: { delay: 1 } }).promise();
  return TableName;
}

exports.documents = async (unique) => {
  const TableName = await tableNamed(unique);
  const Item = {
    event_key: 'game', start_timestamp: 1, score: 120, handle: 'ü', completed: true, nothing: null, empty: '',
    achievements: [{ name: 'first', bonus_score: 2.5 }], bytes: Buffer.from([0, 255]),
    strings: documents.createSet(['a', 'b']),
  };
  await documents.put({ TableName, Item }).promise();
  const Key = { event_key: 'game', start_timestamp: 1 };
  const { Item: got } = await documents.get({ TableName, Key }).promise();
  assert.deepEqual({ ...got, strings: got.strings.values }, { ...Item, strings: ['a', 'b'] });
  const updated = await documents.update({
    TableName, Key, UpdateExpression: 'SET score = score + :more REMOVE nothing',
    ConditionExpression: 'attribute_exists(event_key)', ExpressionAttributeValues: { ':more': 5 },
    ReturnValues: 'UPDATED_NEW',
  }).promise();
  assert.deepEqual(updated.Attributes, { score: 125 });
  const refused = documents.put({ TableName, Item, ConditionExpression: 'attribute_not_exists(event_key)' }).promise();
  await assert.rejects(refused, { code: 'ConditionalCheckFailedException', statusCode: 400, retryable: false });
};

exports.callbacks = async (unique) => {
  const TableName = await tableNamed(unique);
  const batchWrite = promisify(documents.batchWrite.bind(documents));
  const query = promisify(documents.query.bind(documents));
  const puts = Array.from({ length: 25 }, (_, n) => ({ PutRequest: { Item: { event_key: 'k', start_timestamp: n } } }));
  assert.deepEqual((await batchWrite({ RequestItems: { [TableName]: puts } })).UnprocessedItems, {});
  const found = await query({
    TableName, KeyConditionExpression: 'event_key = :k AND start_timestamp >= :since',
    ExpressionAttributeValues: { ':k': 'k', ':since': 20 }, ScanIndexForward: false,
  });
  assert.deepEqual(found.Items.map(({ start_timestamp }) => start_timestamp), [24, 23, 22, 21, 20]);
  // As code of 2014 asks: KeyConditions and no expression.
  const legacy = await query({
    TableName,
    KeyConditions: {
      event_key: { ComparisonOperator: 'EQ', AttributeValueList: ['k'] },
      start_timestamp: { ComparisonOperator: 'LT', AttributeValueList: [3] },
    },
  });
  assert.equal(legacy.Count, 3);
  const pages = [];
  await new Promise((resolve, reject) => {
    dynamodb.scan({ TableName, Limit: 10 }).eachPage((error, page) => {
      if (error) reject(error);
      else if (page) pages.push(page.Count);
      else resolve();
      return true;
    });
  });
  assert.equal(pages.reduce((sum, count) => sum + count), 25);
};

exports.transactionsAndStreams = async (unique) => {
  const StreamSpecification = { StreamEnabled: true, StreamViewType: 'NEW_IMAGE' };
  const TableName = await tableNamed(unique, { StreamSpecification });
  const Put = (event_key) => ({ Put: { TableName, Item: { event_key, start_timestamp: 0 } } });
  await documents.transactWrite({ TransactItems: [Put('a'), Put('b')] }).promise();
  const Check = { TableName, Key: { event_key: 'a', start_timestamp: 0 }, ConditionExpression: 'score > :s',
    ExpressionAttributeValues: { ':s': 1 } };
  await assert.rejects(
    documents.transactWrite({ TransactItems: [Put('c'), { ConditionCheck: Check }] }).promise(),
    { code: 'TransactionCanceledException', message: /\[None, ConditionalCheckFailed\]$/ },
  );
  const { Table } = await dynamodb.describeTable({ TableName }).promise();
  const StreamArn = Table.LatestStreamArn;
  const { StreamDescription } = await streams.describeStream({ StreamArn }).promise();
  const keys = [];
  for (const { ShardId } of StreamDescription.Shards) {
    const { ShardIterator } = await streams
      .getShardIterator({ StreamArn, ShardId, ShardIteratorType: 'TRIM_HORIZON' }).promise();
    const { Records } = await streams.getRecords({ ShardIterator }).promise();
    for (const { dynamodb: told } of Records) keys.push(AWS.DynamoDB.Converter.unmarshall(told.NewImage).event_key);
  }
  assert.deepEqual(keys.sort(), ['a', 'b']);
};
