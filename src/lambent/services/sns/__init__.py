"""Amazon SNS: topics, subscriptions, publishing.

`operations` has everything the gateway calls; a publish ends in `publish_store.publish`, which appends to a log. From
there `delivery.topics` brings messages to subscribers.
"""
