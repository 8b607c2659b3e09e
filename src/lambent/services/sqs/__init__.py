"""Amazon SQS: queues, standard and FIFO.

`operations` is the API. Rules stand in `queues` (what a queue is), `attributes`, `contents` (what a message is),
`batches`, `access`; what happens to messages in `message_store` (send, receive, delete, visibility), `fifo_store`
(message groups, deduplication), `redrive_store` (dead letters). `receiving` waits for messages.
"""
