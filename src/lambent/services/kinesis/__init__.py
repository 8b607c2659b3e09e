"""Amazon Kinesis Data Streams: shards, each a log, that are read at any pace, pushed to consumers, mapped to functions.

Read `shards` (what a shard is and how it ends) and `record_store` first; `operations` lists what is served.
"""
