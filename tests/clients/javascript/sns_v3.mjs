// SNS through the AWS SDK for JavaScript v3; an HTTP server of the scenario is the subscriber.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { once } from 'node:events';
import {
  ConfirmSubscriptionCommand, CreateTopicCommand, DeleteTopicCommand, GetTopicAttributesCommand,
  InvalidParameterException, NotFoundException, PublishBatchCommand, PublishCommand, SNSClient, SubscribeCommand,
  TagResourceCommand, ListTagsForResourceCommand, paginateListTopics,
} from '@aws-sdk/client-sns';

const client = new SNSClient({});

async function topicNamed(Name, Attributes) {
  const { TopicArn } = await client.send(new CreateTopicCommand({ Name, Attributes }));
  return TopicArn;
}

export async function topics(unique) {
  const TopicArn = await topicNamed(unique, { DisplayName: 'Orders' });
  const { Attributes } = await client.send(new GetTopicAttributesCommand({ TopicArn }));
  assert.equal(Attributes.DisplayName, 'Orders');
  await client.send(new TagResourceCommand({ ResourceArn: TopicArn, Tags: [{ Key: 'team', Value: 'ü' }] }));
  const { Tags } = await client.send(new ListTagsForResourceCommand({ ResourceArn: TopicArn }));
  assert.deepEqual(Tags, [{ Key: 'team', Value: 'ü' }]);
  const listed = [];
  for await (const page of paginateListTopics({ client }, {})) listed.push(...page.Topics.map((topic) => topic.TopicArn));
  assert.ok(listed.includes(TopicArn));
  await client.send(new DeleteTopicCommand({ TopicArn }));
  await assert.rejects(client.send(new PublishCommand({ TopicArn, Message: 'm' })), (error) => {
    assert.ok(error instanceof NotFoundException);
    assert.equal(error.message, 'Topic does not exist');
    return true;
  });
}

export async function publishing(unique) {
  const TopicArn = await topicNamed(`${unique}.fifo`, { FifoTopic: 'true', ContentBasedDeduplication: 'true' });
  const entry = (Id, Message) => ({ Id, Message, MessageGroupId: 'g' });
  const PublishBatchRequestEntries = [entry('a', 'one'), entry('b', 'two')];
  const { Successful, Failed } = await client.send(new PublishBatchCommand({ TopicArn, PublishBatchRequestEntries }));
  assert.equal(Successful.length, 2);
  assert.deepEqual(Failed ?? [], []);
  assert.ok(BigInt(Successful[1].SequenceNumber) > BigInt(Successful[0].SequenceNumber));
  await assert.rejects(client.send(new PublishCommand({ TopicArn, Message: 'm' })), InvalidParameterException);
}

export async function delivering(unique) {
  const posts = [];
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    posts.push({ headers: request.headers, document: JSON.parse(body) });
    response.end();
    server.emit('post');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const nextPost = async (count) => { while (posts.length < count) await once(server, 'post'); return posts[count - 1]; };
  try {
    const TopicArn = await topicNamed(unique);
    const Endpoint = `http://127.0.0.1:${server.address().port}/`;
    await client.send(new SubscribeCommand({ TopicArn, Protocol: 'http', Endpoint }));
    const { document: { Token } } = await nextPost(1);
    await client.send(new ConfirmSubscriptionCommand({ TopicArn, Token }));
    const MessageAttributes = { bytes: { DataType: 'Binary', BinaryValue: new Uint8Array([0, 255]) } };
    const { MessageId } = await client.send(new PublishCommand({ TopicArn, Message: 'hällo', MessageAttributes }));
    const { headers, document } = await nextPost(2);
    assert.equal(headers['x-amz-sns-message-id'], MessageId);
    assert.equal(document.Message, 'hällo');
    assert.deepEqual(document.MessageAttributes, { bytes: { Type: 'Binary', Value: 'AP8=' } });
  } finally {
    server.closeAllConnections();
    server.close();
  }
}
