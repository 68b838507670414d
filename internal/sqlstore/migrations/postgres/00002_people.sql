-- +goose Up

-- As in SQLite, where the columns are explained.

ALTER TABLE conversations ADD COLUMN pins BIGINT NOT NULL DEFAULT 0;
ALTER TABLE conversations ADD COLUMN blocks BIGINT NOT NULL DEFAULT 0;
ALTER TABLE message_states ADD COLUMN pinned_at BIGINT NOT NULL DEFAULT 0;
CREATE INDEX message_states_pinned ON message_states (conversation_id, pinned_at) WHERE pinned_at <> 0;

CREATE TABLE blocks (
    user_id    BYTEA  NOT NULL,
    blocked_id BYTEA  NOT NULL,
    at         BIGINT NOT NULL,
    PRIMARY KEY (user_id, blocked_id)
);

CREATE INDEX blocks_blocked ON blocks (blocked_id, user_id);

CREATE TABLE mentions (
    user_id         BYTEA  NOT NULL,
    conversation_id BYTEA  NOT NULL,
    seq             BIGINT NOT NULL,
    PRIMARY KEY (user_id, conversation_id, seq)
);

CREATE TABLE departures (
    user_id         BYTEA  NOT NULL,
    conversation_id BYTEA  NOT NULL,
    left_at         BIGINT NOT NULL,
    PRIMARY KEY (user_id, conversation_id)
);

CREATE TABLE preferences (
    user_id         BYTEA  NOT NULL,
    conversation_id BYTEA  NOT NULL,
    muted_until     BIGINT NOT NULL,
    notify          TEXT   COLLATE "C" NOT NULL,
    pinned          BIGINT NOT NULL,
    archived        BIGINT NOT NULL,
    PRIMARY KEY (user_id, conversation_id)
);

CREATE TABLE invites (
    id              BYTEA  NOT NULL PRIMARY KEY,
    conversation_id BYTEA  NOT NULL,
    token_hash      BYTEA  NOT NULL UNIQUE,
    created_by      BYTEA  NOT NULL,
    created_at      BIGINT NOT NULL,
    expires_at      BIGINT NOT NULL,
    max_uses        BIGINT NOT NULL,
    uses            BIGINT NOT NULL
);

CREATE INDEX invites_conversation ON invites (conversation_id, id);

-- +goose Down
DROP TABLE invites;
DROP TABLE preferences;
DROP TABLE departures;
DROP TABLE mentions;
DROP TABLE blocks;
DROP INDEX message_states_pinned;
ALTER TABLE message_states DROP COLUMN pinned_at;
ALTER TABLE conversations DROP COLUMN blocks;
ALTER TABLE conversations DROP COLUMN pins;
