-- The default bus is there for everybody and is created by nobody: it is as old as this installation.
CREATE TABLE event_default_bus (
    created_at  TEXT NOT NULL               -- UTC, YYYY-MM-DD HH:MM:SS
);

INSERT INTO event_default_bus (created_at) VALUES (CURRENT_TIMESTAMP);
