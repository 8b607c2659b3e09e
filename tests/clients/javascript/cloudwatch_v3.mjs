// CloudWatch through the AWS SDK for JavaScript v3, which speaks CBOR.
import assert from 'node:assert/strict'
import {
  CloudWatchClient,
  GetMetricDataCommand,
  GetMetricStatisticsCommand,
  ListMetricsCommand,
  PutMetricDataCommand,
  paginateListMetrics,
} from '@aws-sdk/client-cloudwatch'

const client = new CloudWatchClient({})

export async function putAndRead(namespace) {
  const now = new Date(Math.floor(Date.now() / 60000) * 60000)
  const window = { StartTime: new Date(now - 600000), EndTime: new Date(+now + 60000) }
  const data = Array.from({ length: 600 }, (_, n) => ({
    MetricName: `m${n}`,
    Dimensions: [{ Name: 'Kind', Value: n % 2 ? 'odd' : 'even' }],
    Values: [n, n + 1],
    Counts: [3, 1],
    Unit: 'Count',
    Timestamp: now,
  }))
  await client.send(new PutMetricDataCommand({ Namespace: namespace, MetricData: data }))
  const Dimensions = [{ Name: 'Kind', Value: 'odd' }]
  const { Datapoints } = await client.send(
    new GetMetricStatisticsCommand({
      Namespace: namespace, MetricName: 'm7', Dimensions, Period: 60, Statistics: ['Sum', 'Maximum'], ...window,
    }),
  )
  assert.equal(Datapoints.length, 1)
  assert.deepEqual([Datapoints[0].Sum, Datapoints[0].Maximum, Datapoints[0].Unit], [29, 8, 'Count'])
  assert.equal(+Datapoints[0].Timestamp, +now)
  const Metric = { Namespace: namespace, MetricName: 'm7', Dimensions }
  const { MetricDataResults } = await client.send(
    new GetMetricDataCommand({
      MetricDataQueries: [
        { Id: 'sum', MetricStat: { Metric, Period: 60, Stat: 'Sum' }, ReturnData: false },
        { Id: 'twice', Expression: 'sum * 2', Label: 'twice ${LAST}' },
      ],
      ...window,
    }),
  )
  assert.deepEqual(MetricDataResults.map(({ Id, Label, Values }) => [Id, Label, Values]), [['twice', 'twice 58', [58]]])
  let listed = 0
  for await (const page of paginateListMetrics({ client }, { Namespace: namespace })) listed += page.Metrics.length
  assert.equal(listed, 600)
}

export async function refusals(namespace) {
  await assert.rejects(
    client.send(new PutMetricDataCommand({ Namespace: namespace, MetricData: [{ MetricName: 'm', Value: NaN }] })),
    (error) => {
      assert.equal(error.name, 'InvalidParameterValueException')
      assert.equal(error.$metadata.httpStatusCode, 400)
      return /NaN/.test(error.message)
    },
  )
  await assert.rejects(client.send(new ListMetricsCommand({ NextToken: 'nonsense' })), { name: /InvalidParameterValue/ })
}
