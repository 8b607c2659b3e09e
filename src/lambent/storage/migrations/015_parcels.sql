-- Parcels: messages that a target did not take, or that have to be carried to it, kept for their next attempt.
CREATE TABLE parcel (
    parcel_id    INTEGER PRIMARY KEY,
    owner        TEXT NOT NULL,              -- who sends it: a name that delivery.parcels knows
    lane         TEXT NOT NULL,              -- '' if a target of ours takes it; else what it is carried to, or its host
    body         BLOB NOT NULL,              -- of targets.Message
    message      TEXT NOT NULL,              -- JSON of the rest of it
    terms        TEXT NOT NULL,              -- JSON: what the owner needs to know for retries and the dead letter
    accepted_ms  INTEGER NOT NULL,
    due_ms       INTEGER NOT NULL,
    attempts     INTEGER NOT NULL            -- made so far
);
CREATE INDEX parcel_by_lane ON parcel (lane, due_ms, parcel_id, owner);
CREATE INDEX parcel_by_due ON parcel (due_ms);

CREATE TABLE parcel_head (
    queue        TEXT PRIMARY KEY,
    position     INTEGER NOT NULL            -- the last parcel_id ever given
) WITHOUT ROWID;
