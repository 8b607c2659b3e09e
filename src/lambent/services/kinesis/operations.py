"""The operations of Kinesis Data Streams, under AWS's names, as the one object the gateway sees.

Streams in `stream_operations`, `setting_operations` and `resource_operations`, shards in `shard_operations`, records in
`record_operations`; enhanced fan-out in `consumer_operations` and `subscription_operations`.
"""

from lambent.services.kinesis.consumer_operations import ConsumerOperations
from lambent.services.kinesis.parts import KinesisParts
from lambent.services.kinesis.record_operations import RecordOperations
from lambent.services.kinesis.resource_operations import ResourceOperations
from lambent.services.kinesis.setting_operations import SettingOperations
from lambent.services.kinesis.shard_operations import ShardOperations
from lambent.services.kinesis.stream_operations import StreamOperations
from lambent.services.kinesis.subscription_operations import SubscriptionOperations


class KinesisOperations:
    SERVED = (
        StreamOperations.SERVED
        | SettingOperations.SERVED
        | ResourceOperations.SERVED
        | ShardOperations.SERVED
        | RecordOperations.SERVED
        | ConsumerOperations.SERVED
        | SubscriptionOperations.SERVED
    )

    def __init__(self, parts: KinesisParts) -> None:
        streams = StreamOperations(parts)
        self.create_stream = streams.create_stream
        self.delete_stream = streams.delete_stream
        self.describe_stream = streams.describe_stream
        self.describe_stream_summary = streams.describe_stream_summary
        self.list_streams = streams.list_streams
        self.describe_limits = streams.describe_limits
        self.describe_account_settings = streams.describe_account_settings
        self.update_account_settings = streams.update_account_settings
        settings = SettingOperations(parts)
        self.increase_stream_retention_period = settings.increase_stream_retention_period
        self.decrease_stream_retention_period = settings.decrease_stream_retention_period
        self.update_max_record_size = settings.update_max_record_size
        self.update_stream_mode = settings.update_stream_mode
        self.update_stream_warm_throughput = settings.update_stream_warm_throughput
        self.update_stream_record_distribution_strategy = settings.update_stream_record_distribution_strategy
        self.start_stream_encryption = settings.start_stream_encryption
        self.stop_stream_encryption = settings.stop_stream_encryption
        self.enable_enhanced_monitoring = settings.enable_enhanced_monitoring
        self.disable_enhanced_monitoring = settings.disable_enhanced_monitoring
        resources = ResourceOperations(parts)
        self.add_tags_to_stream = resources.add_tags_to_stream
        self.remove_tags_from_stream = resources.remove_tags_from_stream
        self.list_tags_for_stream = resources.list_tags_for_stream
        self.tag_resource = resources.tag_resource
        self.untag_resource = resources.untag_resource
        self.list_tags_for_resource = resources.list_tags_for_resource
        self.put_resource_policy = resources.put_resource_policy
        self.get_resource_policy = resources.get_resource_policy
        self.delete_resource_policy = resources.delete_resource_policy
        shards = ShardOperations(parts)
        self.list_shards = shards.list_shards
        self.split_shard = shards.split_shard
        self.merge_shards = shards.merge_shards
        self.update_shard_count = shards.update_shard_count
        records = RecordOperations(parts)
        self.put_record = records.put_record
        self.put_records = records.put_records
        self.get_shard_iterator = records.get_shard_iterator
        self.get_records = records.get_records
        consumers = ConsumerOperations(parts)
        self.register_stream_consumer = consumers.register_stream_consumer
        self.describe_stream_consumer = consumers.describe_stream_consumer
        self.list_stream_consumers = consumers.list_stream_consumers
        self.deregister_stream_consumer = consumers.deregister_stream_consumer
        self.subscribe_to_shard = SubscriptionOperations(parts).subscribe_to_shard
