-- +goose Up

-- Browsers that notifications are pushed to. They end with their session.
CREATE TABLE push_subscriptions (
    id            BLOB    NOT NULL PRIMARY KEY,
    user_id       BLOB    NOT NULL,
    session_id    BLOB    NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    endpoint_hash BLOB    NOT NULL UNIQUE, -- SHA-256
    endpoint      TEXT    NOT NULL,
    p256dh        BLOB    NOT NULL,
    auth          BLOB    NOT NULL,
    content       INTEGER NOT NULL,
    user_agent    TEXT    NOT NULL,
    created_at    INTEGER NOT NULL,
    succeeded_at  INTEGER NOT NULL,
    failed_at     INTEGER NOT NULL,
    failure       TEXT    NOT NULL
) WITHOUT ROWID;

CREATE INDEX push_subscriptions_user ON push_subscriptions (user_id, created_at);
CREATE INDEX push_subscriptions_session ON push_subscriptions (session_id);

-- Notifications on their way. A conversation of zeros stands for a test.
CREATE TABLE push_jobs (
    subscription_id BLOB    NOT NULL REFERENCES push_subscriptions (id) ON DELETE CASCADE,
    conversation_id BLOB    NOT NULL,
    seq             INTEGER NOT NULL,
    mention         INTEGER NOT NULL,
    queued_at       INTEGER NOT NULL,
    due_at          INTEGER NOT NULL,
    attempts        INTEGER NOT NULL,
    PRIMARY KEY (subscription_id, conversation_id, seq)
) WITHOUT ROWID;

CREATE INDEX push_jobs_due ON push_jobs (due_at);

-- Secrets that all nodes share.
CREATE TABLE server_keys (
    name  TEXT NOT NULL PRIMARY KEY,
    value BLOB NOT NULL
) WITHOUT ROWID;

-- +goose Down
DROP TABLE server_keys;
DROP TABLE push_jobs;
DROP TABLE push_subscriptions;
