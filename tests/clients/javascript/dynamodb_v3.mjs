// DynamoDB through the AWS SDK for JavaScript v3: the bare client, and the document client that most people use.
import assert from 'node:assert/strict';
import {
  CreateTableCommand, DeleteTableCommand, DescribeTableCommand, DynamoDBClient, ListTablesCommand, UpdateTableCommand,
  waitUntilTableExists, waitUntilTableNotExists,
} from '@aws-sdk/client-dynamodb';
import {
  BatchGetCommand, BatchWriteCommand, DeleteCommand, DynamoDBDocumentClient, GetCommand, NumberValue, PutCommand,
  QueryCommand, TransactGetCommand, TransactWriteCommand, UpdateCommand, paginateQuery, paginateScan,
} from '@aws-sdk/lib-dynamodb';
import {
  DescribeStreamCommand, DynamoDBStreamsClient, GetRecordsCommand, GetShardIteratorCommand, ListStreamsCommand,
} from '@aws-sdk/client-dynamodb-streams';

const client = new DynamoDBClient({});
const documents = DynamoDBDocumentClient.from(client, { marshallOptions: { removeUndefinedValues: true } });
const streams = new DynamoDBStreamsClient({});

async function tableNamed(TableName, more = {}) {
  await client.send(new CreateTableCommand({
    TableName,
    KeySchema: [{ AttributeName: 'player', KeyType: 'HASH' }, { AttributeName: 'at', KeyType: 'RANGE' }],
    AttributeDefinitions: [
      { AttributeName: 'player', AttributeType: 'S' },
      { AttributeName: 'at', AttributeType: 'N' },
      { AttributeName: 'game', AttributeType: 'S' },
    ],
    GlobalSecondaryIndexes: [{
      IndexName: 'by-game', KeySchema: [{ AttributeName: 'game', KeyType: 'HASH' }], Projection: { ProjectionType: 'ALL' },
    }],
    BillingMode: 'PAY_PER_REQUEST',
    ...more,
  }));
  await waitUntilTableExists({ client, maxWaitTime: 20, minDelay: 1 }, { TableName });
  return TableName;
}

const send = (Command, TableName, input) => documents.send(new Command({ TableName, ...input }));

export async function everyType(unique) {
  const TableName = await tableNamed(unique);
  const Item = {
    player: 'ü', at: 1, text: '', flag: true, nothing: null, bytes: new Uint8Array([0, 255]), list: [1, 'a', { b: [] }],
    map: { deep: { deeper: -0.5 } }, strings: new Set(['a', 'b']), numbers: new Set([1, 2]),
    binaries: new Set([new Uint8Array([1])]), left: undefined,
  };
  await send(PutCommand, TableName, { Item });
  const got = await send(GetCommand, TableName, { Key: { player: 'ü', at: 1 } });
  const { left, ...stored } = Item;
  assert.deepEqual(got.Item, stored);
  const big = '12345678901234567890.123456789';
  await send(PutCommand, TableName, { Item: { player: 'n', at: 1, big: NumberValue.from(big) } });
  const exact = DynamoDBDocumentClient.from(client, { unmarshallOptions: { wrapNumbers: true } });
  const { Item: numbers } = await exact.send(new GetCommand({ TableName, Key: { player: 'n', at: 1 } }));
  assert.equal(String(numbers.big.value ?? numbers.big), big);
}

export async function updates(unique) {
  const TableName = await tableNamed(unique);
  const Key = { player: 'a', at: 1 };
  const updated = await send(UpdateCommand, TableName, {
    Key, UpdateExpression: 'SET #s = if_not_exists(#s, :zero) + :ten, tags = list_append(:none, :tags) ADD seen :who',
    ExpressionAttributeNames: { '#s': 'score' },
    ExpressionAttributeValues: { ':zero': 0, ':ten': 10, ':none': [], ':tags': ['x'], ':who': new Set(['me']) },
    ReturnValues: 'ALL_NEW',
  });
  assert.deepEqual(updated.Attributes, { ...Key, score: 10, tags: ['x'], seen: new Set(['me']) });
  const guarded = {
    Key, UpdateExpression: 'SET score = :best', ConditionExpression: 'score < :best',
    ExpressionAttributeValues: { ':best': 10 }, ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
  };
  await assert.rejects(send(UpdateCommand, TableName, guarded), (error) => {
    assert.equal(error.name, 'ConditionalCheckFailedException');
    assert.equal(error.message, 'The conditional request failed');
    assert.deepEqual(error.Item.score, { N: '10' });
    return true;
  });
  const gone = await send(DeleteCommand, TableName, { Key, ReturnValues: 'ALL_OLD' });
  assert.equal(gone.Attributes.score, 10);
  assert.equal((await send(GetCommand, TableName, { Key })).Item, undefined);
}

export async function queries(unique) {
  const TableName = await tableNamed(unique);
  const games = Array.from({ length: 25 }, (_, at) => ({ player: 'a', at, game: at % 2 ? 'chess' : 'go', score: at * at }));
  const RequestItems = { [TableName]: games.map((Item) => ({ PutRequest: { Item } })) };
  assert.deepEqual((await documents.send(new BatchWriteCommand({ RequestItems }))).UnprocessedItems, {});
  const latest = await send(QueryCommand, TableName, {
    KeyConditionExpression: 'player = :p AND #at BETWEEN :from AND :to', ExpressionAttributeNames: { '#at': 'at' },
    ExpressionAttributeValues: { ':p': 'a', ':from': 3, ':to': 12 }, ScanIndexForward: false, Limit: 3,
  });
  assert.deepEqual(latest.Items.map(({ at }) => at), [12, 11, 10]);
  assert.deepEqual(latest.LastEvaluatedKey, { player: 'a', at: 10 });
  const byGame = [];
  const query = {
    TableName, IndexName: 'by-game', KeyConditionExpression: 'game = :g', FilterExpression: 'score > :s',
    ExpressionAttributeValues: { ':g': 'go', ':s': 100 },
  };
  for await (const page of paginateQuery({ client: documents, pageSize: 4 }, query)) byGame.push(...page.Items);
  assert.deepEqual(byGame.map(({ at }) => at).sort((a, b) => a - b), [12, 14, 16, 18, 20, 22, 24]);
  let count = 0;
  for await (const page of paginateScan({ client: documents, pageSize: 10 }, { TableName })) count += page.Count;
  assert.equal(count, 25);
  const Keys = [{ player: 'a', at: 1 }, { player: 'a', at: 2 }, { player: 'nobody', at: 0 }];
  const got = await documents.send(new BatchGetCommand({ RequestItems: { [TableName]: { Keys } } }));
  assert.equal(got.Responses[TableName].length, 2);
}

export async function transactions(unique) {
  const TableName = await tableNamed(unique);
  const Put = (player, more) => ({ Put: { TableName, Item: { player, at: 0 }, ...more } });
  await documents.send(new TransactWriteCommand({ TransactItems: [Put('a'), Put('b')] }));
  const again = { ConditionExpression: 'attribute_not_exists(player)' };
  await assert.rejects(
    documents.send(new TransactWriteCommand({ TransactItems: [Put('c'), Put('a', again)] })),
    (error) => {
      assert.equal(error.name, 'TransactionCanceledException');
      assert.deepEqual(error.CancellationReasons.map(({ Code }) => Code), ['None', 'ConditionalCheckFailed']);
      return true;
    },
  );
  const Get = (player) => ({ Get: { TableName, Key: { player, at: 0 } } });
  const { Responses } = await documents.send(new TransactGetCommand({ TransactItems: [Get('a'), Get('c')] }));
  assert.deepEqual(Responses.map(({ Item }) => Item), [{ player: 'a', at: 0 }, undefined]);
}

export async function changeStreams(unique) {
  const TableName = await tableNamed(unique, {
    StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_AND_OLD_IMAGES' },
  });
  await send(PutCommand, TableName, { Item: { player: 'a', at: 1, score: 1 } });
  await send(DeleteCommand, TableName, { Key: { player: 'a', at: 1 } });
  const { Streams } = await streams.send(new ListStreamsCommand({ TableName }));
  const { StreamArn } = Streams[0];
  const { StreamDescription } = await streams.send(new DescribeStreamCommand({ StreamArn }));
  const records = [];
  for (const { ShardId } of StreamDescription.Shards) {
    const start = { StreamArn, ShardId, ShardIteratorType: 'TRIM_HORIZON' };
    const { ShardIterator } = await streams.send(new GetShardIteratorCommand(start));
    records.push(...(await streams.send(new GetRecordsCommand({ ShardIterator }))).Records);
  }
  assert.deepEqual(records.map(({ eventName }) => eventName), ['INSERT', 'REMOVE']);
  assert.deepEqual(records[0].dynamodb.NewImage.score, { N: '1' });
  assert.ok(records[0].dynamodb.ApproximateCreationDateTime instanceof Date);
}

export async function managing(unique) {
  const TableName = await tableNamed(unique);
  const { Table } = await client.send(new DescribeTableCommand({ TableName }));
  assert.equal(Table.TableStatus, 'ACTIVE');
  assert.ok(Table.CreationDateTime instanceof Date);
  await client.send(new UpdateTableCommand({ TableName, DeletionProtectionEnabled: true }));
  await assert.rejects(client.send(new DeleteTableCommand({ TableName })), { name: 'ValidationException' });
  await client.send(new UpdateTableCommand({ TableName, DeletionProtectionEnabled: false }));
  const { TableNames } = await client.send(new ListTablesCommand({}));
  assert.ok(TableNames.includes(TableName));
  await client.send(new DeleteTableCommand({ TableName }));
  await waitUntilTableNotExists({ client, maxWaitTime: 20, minDelay: 1 }, { TableName });
  await assert.rejects(send(GetCommand, TableName, { Key: { player: 'a', at: 1 } }), {
    name: 'ResourceNotFoundException', message: 'Requested resource not found',
  });
}
