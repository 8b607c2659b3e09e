// SQS through the AWS SDK for JavaScript v3, which verifies every MD5, and through sqs-consumer, which is built on it.
import assert from 'node:assert/strict';
import {
  ChangeMessageVisibilityCommand, CreateQueueCommand, DeleteMessageBatchCommand, DeleteMessageCommand,
  DeleteQueueCommand, GetQueueAttributesCommand, ListQueuesCommand, QueueDoesNotExist, ReceiveMessageCommand,
  SendMessageBatchCommand, SendMessageCommand, SQSClient, paginateListQueues,
} from '@aws-sdk/client-sqs';
import { Consumer } from 'sqs-consumer';

const client = new SQSClient({});

async function queueNamed(QueueName, Attributes = {}) {
  return (await client.send(new CreateQueueCommand({ QueueName, Attributes }))).QueueUrl;
}

export async function wholeWay(unique) {
  const QueueUrl = await queueNamed(unique, { VisibilityTimeout: '60' });
  const MessageAttributes = {
    text: { DataType: 'String', StringValue: 'ü' },
    bytes: { DataType: 'Binary', BinaryValue: new Uint8Array([0, 255]) },
  };
  const sent = await client.send(new SendMessageCommand({ QueueUrl, MessageBody: '{"ä": "\u{1f600}"}', MessageAttributes }));
  const { Messages } = await client.send(new ReceiveMessageCommand({
    QueueUrl, WaitTimeSeconds: 5, MessageAttributeNames: ['All'], MessageSystemAttributeNames: ['All'],
  }));
  assert.equal(Messages.length, 1);
  const [got] = Messages;
  assert.equal(got.MessageId, sent.MessageId);
  assert.equal(got.Body, '{"ä": "\u{1f600}"}');
  assert.equal(got.MD5OfMessageAttributes, sent.MD5OfMessageAttributes);
  assert.deepEqual(got.MessageAttributes.bytes.BinaryValue, new Uint8Array([0, 255]));
  assert.equal(got.Attributes.ApproximateReceiveCount, '1');
  const { ReceiptHandle } = got;
  await client.send(new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle, VisibilityTimeout: 120 }));
  await client.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
  const { Attributes } = await client.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] }));
  assert.equal(Attributes.ApproximateNumberOfMessagesNotVisible, '0');
  await client.send(new DeleteQueueCommand({ QueueUrl }));
}

export async function batches(unique) {
  const QueueUrl = await queueNamed(unique);
  const Entries = Array.from({ length: 10 }, (_, n) => ({ Id: `e${n}`, MessageBody: `m${n}` }));
  const sent = await client.send(new SendMessageBatchCommand({ QueueUrl, Entries }));
  assert.equal(sent.Successful.length, 10);
  const { Messages } = await client.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }));
  assert.deepEqual(Messages.map((one) => one.Body).sort(), Entries.map((one) => one.MessageBody));
  const deleted = await client.send(new DeleteMessageBatchCommand({
    QueueUrl, Entries: Messages.map((one, n) => ({ Id: `${n}`, ReceiptHandle: one.ReceiptHandle })),
  }));
  assert.equal(deleted.Successful.length, 10);
  for (const n of [1, 2, 3]) await queueNamed(`${unique}-${n}`);
  const names = [];
  for await (const page of paginateListQueues({ client, pageSize: 2 }, { QueueNamePrefix: unique })) {
    names.push(...page.QueueUrls);
  }
  assert.equal(names.length, 4);
  assert.deepEqual((await client.send(new ListQueuesCommand({ QueueNamePrefix: `${unique}-1` }))).QueueUrls.length, 1);
}

export async function fifo(unique) {
  const QueueUrl = await queueNamed(`${unique}.fifo`, { FifoQueue: 'true', ContentBasedDeduplication: 'true' });
  for (const MessageBody of ['a', 'b', 'a']) {
    await client.send(new SendMessageCommand({ QueueUrl, MessageBody, MessageGroupId: 'g' }));
  }
  const { Messages } = await client.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }));
  assert.deepEqual(Messages.map((one) => one.Body), ['a', 'b']);
}

export async function errorShapes(unique) {
  const QueueUrl = await queueNamed(unique);
  const error = await client.send(new SendMessageCommand({ QueueUrl: `${QueueUrl}-not`, MessageBody: 'x' })).catch((e) => e);
  assert.ok(error instanceof QueueDoesNotExist, `${error}`);
  assert.equal(error.name, 'QueueDoesNotExist');
  assert.equal(error.Code ?? error.Error?.Code, 'AWS.SimpleQueueService.NonExistentQueue');
  const empty = await client.send(new SendMessageBatchCommand({ QueueUrl, Entries: [] })).catch((e) => e);
  assert.equal(empty.name, 'EmptyBatchRequest');
}

export async function consumer(unique) {
  const QueueUrl = await queueNamed(unique, { VisibilityTimeout: '1' });
  const handled = [];
  let failures = 0;
  const app = Consumer.create({
    queueUrl: QueueUrl,
    sqs: client,
    batchSize: 5,
    waitTimeSeconds: 5,
    terminateVisibilityTimeout: true,
    handleMessage: async (message) => {
      if (message.Body === 'm3' && failures++ === 0) throw new Error('once');
      handled.push(message.Body);
      return message;
    },
  });
  const problems = [];
  app.on('error', (error) => problems.push(error));
  app.on('processing_error', () => {});
  app.start();
  const bodies = Array.from({ length: 8 }, (_, n) => `m${n}`);
  const Entries = bodies.map((MessageBody, n) => ({ Id: `e${n}`, MessageBody }));
  await client.send(new SendMessageBatchCommand({ QueueUrl, Entries }));
  const deadline = Date.now() + 15_000;
  while (handled.length < bodies.length && Date.now() < deadline) await new Promise((done) => setTimeout(done, 20));
  const stopped = new Promise((done) => app.on('stopped', done));
  app.stop({ abort: true });
  await stopped;
  assert.deepEqual(problems, []);
  assert.deepEqual(handled.sort(), bodies);
  assert.equal(failures, 2);
}
