-- +goose Up

-- Browsers that notifications are pushed to. They end with their session.
CREATE TABLE push_subscriptions (
    id            BYTEA   NOT NULL PRIMARY KEY,
    user_id       BYTEA   NOT NULL,
    session_id    BYTEA   NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    endpoint_hash BYTEA   NOT NULL UNIQUE, -- SHA-256
    endpoint      TEXT   COLLATE "C" NOT NULL,
    p256dh        BYTEA   NOT NULL,
    auth          BYTEA   NOT NULL,
    content       BIGINT  NOT NULL,
    user_agent    TEXT   COLLATE "C" NOT NULL,
    created_at    BIGINT  NOT NULL,
    succeeded_at  BIGINT  NOT NULL,
    failed_at     BIGINT  NOT NULL,
    failure       TEXT   COLLATE "C" NOT NULL
);

CREATE INDEX push_subscriptions_user ON push_subscriptions (user_id, created_at);
CREATE INDEX push_subscriptions_session ON push_subscriptions (session_id);

-- Notifications on their way. A conversation of zeros stands for a test.
CREATE TABLE push_jobs (
    subscription_id BYTEA   NOT NULL REFERENCES push_subscriptions (id) ON DELETE CASCADE,
    conversation_id BYTEA   NOT NULL,
    seq             BIGINT  NOT NULL,
    mention         BIGINT  NOT NULL,
    queued_at       BIGINT  NOT NULL,
    due_at          BIGINT  NOT NULL,
    attempts        BIGINT  NOT NULL,
    PRIMARY KEY (subscription_id, conversation_id, seq)
);

CREATE INDEX push_jobs_due ON push_jobs (due_at);

-- Secrets that all nodes share.
CREATE TABLE server_keys (
    name  TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    value BYTEA NOT NULL
);

-- Messages that were committed while there was anybody to push to, until somebody
-- has looked whom to tell of them.
CREATE TABLE unpushed (
    id              BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    conversation_id BYTEA  NOT NULL,
    seq             BIGINT NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

-- +goose Down
DROP TABLE unpushed;
DROP TABLE server_keys;
DROP TABLE push_jobs;
DROP TABLE push_subscriptions;
