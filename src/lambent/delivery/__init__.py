"""Everything that happens after a commit: consumers of logs and queues, each with a checkpoint of its own.

`consumer` is the loop, `notifications` the consumer of object changes, `async_invocations` the one of the queue that
those changes and Invoke fill.
"""
