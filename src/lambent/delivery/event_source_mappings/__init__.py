"""Event source mappings: the records of a stream, shard by shard, in batches to a function.

Read `mappings` first (which mappings read), then `poller` (a shard) and `lane` (one batch after the other). What they
decide by stands in pure modules: `batching`, `filters`, `failures`, `windows`, `parallel`, `records`, `discards`.
"""
