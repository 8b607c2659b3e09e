-- SNS: topics, who is subscribed to them, and what FIFO topics have seen lately.
CREATE TABLE sns_topic (
    topic_arn              TEXT PRIMARY KEY,
    account_id             TEXT NOT NULL,
    region                 TEXT NOT NULL,
    name                   TEXT NOT NULL,
    created_ms             INTEGER NOT NULL,
    attributes             TEXT NOT NULL,    -- JSON object: those that were set, as they were set
    tags                   TEXT NOT NULL,    -- JSON object
    data_protection_policy TEXT NOT NULL,    -- '' without one
    sequence               INTEGER NOT NULL  -- messages that a FIFO topic has taken
) WITHOUT ROWID;
CREATE UNIQUE INDEX sns_topic_by_name ON sns_topic (account_id, region, name);

CREATE TABLE sns_subscription (
    subscription_arn             TEXT PRIMARY KEY,
    topic_arn                    TEXT NOT NULL REFERENCES sns_topic (topic_arn),
    account_id                   TEXT NOT NULL,     -- of the owner: who subscribed, or who confirmed
    region                       TEXT NOT NULL,
    principal                    TEXT NOT NULL,     -- ARN of who subscribed
    protocol                     TEXT NOT NULL,
    endpoint                     TEXT NOT NULL,
    attributes                   TEXT NOT NULL,     -- JSON object: those that were set, as they were set
    state                        TEXT NOT NULL,     -- subscriptions.State
    token                        TEXT NOT NULL,     -- confirms it, or brings it back; '' if it needed none
    token_expires_ms             INTEGER NOT NULL,
    confirmation_authenticated   INTEGER NOT NULL,
    authenticate_on_unsubscribe  INTEGER NOT NULL,
    platform_url                 TEXT NOT NULL      -- under which the subscriber reached us: for links in messages
) WITHOUT ROWID;
CREATE INDEX sns_subscription_by_topic ON sns_subscription (topic_arn, subscription_arn);
CREATE INDEX sns_subscription_by_owner ON sns_subscription (account_id, region, subscription_arn);
CREATE UNIQUE INDEX sns_subscription_by_endpoint ON sns_subscription (topic_arn, protocol, endpoint);

-- What a FIFO topic answers if the same message comes again within five minutes.
CREATE TABLE sns_deduplication (
    topic_arn        TEXT NOT NULL,
    scope            TEXT NOT NULL,          -- message group id; '' if the whole topic is the scope
    deduplication_id TEXT NOT NULL,
    message_id       TEXT NOT NULL,
    sequence_number  TEXT NOT NULL,
    expires_ms       INTEGER NOT NULL,
    PRIMARY KEY (topic_arn, scope, deduplication_id)
) WITHOUT ROWID;
CREATE INDEX sns_deduplication_by_expiry ON sns_deduplication (topic_arn, expires_ms);

-- What the platform signs messages with, made when the first one is signed.
CREATE TABLE sns_signing_key (
    key_id      INTEGER PRIMARY KEY,         -- 1: there is one
    private_key TEXT NOT NULL,               -- PEM
    certificate TEXT NOT NULL                -- PEM, self-signed
);
