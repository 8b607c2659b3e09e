-- Amazon SQS. Messages lie in boxes: purging a queue gives it an empty one, and the old one is cleared away in portions.
CREATE TABLE sqs_identity (
    next_id       INTEGER NOT NULL           -- ids of queues and boxes are never used twice
);
INSERT INTO sqs_identity (next_id) VALUES (1);

CREATE TABLE sqs_queue (
    account_id    TEXT NOT NULL,
    region        TEXT NOT NULL,
    name          TEXT NOT NULL,
    queue_id      INTEGER NOT NULL UNIQUE,
    box_id        INTEGER NOT NULL,
    attributes    TEXT NOT NULL,             -- JSON object: what was set, as it was set
    tags          TEXT NOT NULL,             -- JSON object
    created_ms    INTEGER NOT NULL,
    modified_ms   INTEGER NOT NULL,
    purged_ms     INTEGER NOT NULL,          -- 0: never
    dead_letter_arn TEXT NOT NULL,           -- of its RedrivePolicy; "" without one
    PRIMARY KEY (account_id, region, name)
);
CREATE INDEX sqs_queue_by_dead_letter ON sqs_queue (dead_letter_arn, name) WHERE dead_letter_arn <> '';

CREATE TABLE sqs_head (
    queue_id      INTEGER PRIMARY KEY,
    position      INTEGER NOT NULL           -- of the last message ever sent: sequence numbers never go back
);

-- What changes about a message; what does not is in sqs_content, so that receiving one need not rewrite its body.
CREATE TABLE sqs_message (
    box_id        INTEGER NOT NULL,
    position      INTEGER NOT NULL,
    visible_ms    INTEGER NOT NULL,          -- may be received from then on
    receive_count INTEGER NOT NULL,          -- in all queues it was in; also tells receipt handles apart
    carried_count INTEGER NOT NULL,          -- of these, before it came into this queue
    group_id      TEXT NOT NULL,             -- of a FIFO queue; "" in standard queues
    sent_ms       INTEGER NOT NULL,          -- its age counts from here
    first_ms      INTEGER NOT NULL,          -- received first; 0: never
    received_ms   INTEGER NOT NULL,          -- received last
    PRIMARY KEY (box_id, position)
) WITHOUT ROWID;
CREATE INDEX sqs_message_by_time ON sqs_message (box_id, visible_ms, position, receive_count);
CREATE INDEX sqs_message_in_group ON sqs_message (box_id, group_id, position) WHERE group_id <> '';

CREATE TABLE sqs_content (
    box_id        INTEGER NOT NULL,
    position      INTEGER NOT NULL,
    message_id    TEXT NOT NULL,
    body          TEXT NOT NULL,
    body_md5      TEXT NOT NULL,
    details       TEXT NOT NULL,             -- JSON of contents.Details
    PRIMARY KEY (box_id, position)
) WITHOUT ROWID;

-- Message groups of FIFO queues that have messages: a group with one in flight is ready when that is over.
CREATE TABLE sqs_group (
    box_id        INTEGER NOT NULL,
    group_id      TEXT NOT NULL,
    ready_ms      INTEGER NOT NULL,
    head          INTEGER NOT NULL,          -- position of its first message
    PRIMARY KEY (box_id, group_id)
) WITHOUT ROWID;
CREATE INDEX sqs_group_by_time ON sqs_group (box_id, ready_ms, head);

CREATE TABLE sqs_deduplication (
    queue_id      INTEGER NOT NULL,
    scope         TEXT NOT NULL,             -- the message group, or "" for the whole queue
    id            TEXT NOT NULL,
    expires_ms    INTEGER NOT NULL,
    message_id    TEXT NOT NULL,
    position      INTEGER NOT NULL,
    PRIMARY KEY (queue_id, scope, id)
) WITHOUT ROWID;
CREATE INDEX sqs_deduplication_by_time ON sqs_deduplication (queue_id, expires_ms);

-- What a ReceiveMessage with a ReceiveRequestAttemptId returned, for five minutes.
CREATE TABLE sqs_receive_attempt (
    queue_id      INTEGER NOT NULL,
    attempt_id    TEXT NOT NULL,
    expires_ms    INTEGER NOT NULL,
    receipts      TEXT NOT NULL,             -- JSON: [[position, receive_count, visible_ms], ...]
    PRIMARY KEY (queue_id, attempt_id)
) WITHOUT ROWID;
CREATE INDEX sqs_receive_attempt_by_time ON sqs_receive_attempt (queue_id, expires_ms);

CREATE TABLE sqs_move_task (
    task_id       INTEGER PRIMARY KEY,
    handle        TEXT NOT NULL UNIQUE,
    source_arn    TEXT NOT NULL,
    destination_arn TEXT NOT NULL,           -- "": back to where each message came from
    per_second    INTEGER NOT NULL,          -- 0: as fast as it goes
    status        TEXT NOT NULL,             -- moves.MoveStatus
    started_ms    INTEGER NOT NULL,
    moved         INTEGER NOT NULL,
    to_move       INTEGER NOT NULL,          -- messages there were when it started
    failure       TEXT NOT NULL
);
CREATE INDEX sqs_move_task_by_source ON sqs_move_task (source_arn, task_id);

-- Boxes whose queue is gone or was purged, and are still to be emptied.
CREATE TABLE sqs_garbage (
    box_id        INTEGER PRIMARY KEY
);
