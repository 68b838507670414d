-- +goose Up

-- Pins and blocks ----------------------------------------------------------

ALTER TABLE conversations ADD COLUMN pins INTEGER NOT NULL DEFAULT 0;
ALTER TABLE conversations ADD COLUMN blocks INTEGER NOT NULL DEFAULT 0; -- bits: 1 who began it, 2 the other person
ALTER TABLE message_states ADD COLUMN pinned_at INTEGER NOT NULL DEFAULT 0;
CREATE INDEX message_states_pinned ON message_states (conversation_id, pinned_at) WHERE pinned_at <> 0;

-- Who takes no messages of whom, wherever they meet.
CREATE TABLE blocks (
    user_id    BLOB    NOT NULL,
    blocked_id BLOB    NOT NULL,
    at         INTEGER NOT NULL,
    PRIMARY KEY (user_id, blocked_id)
) WITHOUT ROWID;

CREATE INDEX blocks_blocked ON blocks (blocked_id, user_id);

-- What messages mention whom, until they are deleted.
CREATE TABLE mentions (
    user_id         BLOB    NOT NULL,
    conversation_id BLOB    NOT NULL,
    seq             INTEGER NOT NULL,
    PRIMARY KEY (user_id, conversation_id, seq)
) WITHOUT ROWID;

-- When somebody left a conversation, by themselves or not.
CREATE TABLE departures (
    user_id         BLOB    NOT NULL,
    conversation_id BLOB    NOT NULL,
    left_at         INTEGER NOT NULL,
    PRIMARY KEY (user_id, conversation_id)
) WITHOUT ROWID;

-- How somebody wants a conversation shown and told of. Without a row: as usual.
CREATE TABLE preferences (
    user_id         BLOB    NOT NULL,
    conversation_id BLOB    NOT NULL,
    muted_until     INTEGER NOT NULL,
    notify          TEXT    NOT NULL,
    pinned          INTEGER NOT NULL,
    archived        INTEGER NOT NULL,
    PRIMARY KEY (user_id, conversation_id)
) WITHOUT ROWID;

-- Links by which people join a group or a channel.
CREATE TABLE invites (
    id              BLOB    NOT NULL PRIMARY KEY,
    conversation_id BLOB    NOT NULL,
    token_hash      BLOB    NOT NULL UNIQUE, -- SHA-256
    created_by      BLOB    NOT NULL,
    created_at      INTEGER NOT NULL,
    expires_at      INTEGER NOT NULL,        -- 0: never
    max_uses        INTEGER NOT NULL,        -- 0: any number
    uses            INTEGER NOT NULL
) WITHOUT ROWID;

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
