-- +goose Up

-- People and their log-ins -------------------------------------------------

CREATE TABLE accounts (
    id            BLOB    NOT NULL PRIMARY KEY,
    folded        TEXT    NOT NULL UNIQUE,  -- the username after folding
    username      TEXT    NOT NULL,
    display_name  TEXT    NOT NULL,
    username_key  TEXT    NOT NULL,         -- lower case, for search
    name_key      TEXT    NOT NULL,         -- lower case, for search
    bio           TEXT    NOT NULL,
    avatar_id     BLOB,
    email         TEXT    NOT NULL,         -- not proved, so not unique
    password_hash TEXT    NOT NULL,
    settings      BLOB    NOT NULL,         -- JSON
    created_at    INTEGER NOT NULL,         -- this and all times: milliseconds since 1970
    last_seen_at  INTEGER NOT NULL,
    disabled      INTEGER NOT NULL
) WITHOUT ROWID;

CREATE INDEX accounts_avatar ON accounts (avatar_id) WHERE avatar_id IS NOT NULL;

CREATE TABLE sessions (
    id         BLOB    NOT NULL PRIMARY KEY,
    user_id    BLOB    NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    token_hash BLOB    NOT NULL UNIQUE,     -- SHA-256
    created_at INTEGER NOT NULL,
    seen_at    INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    user_agent TEXT    NOT NULL,
    address    TEXT    NOT NULL
) WITHOUT ROWID;

CREATE INDEX sessions_user ON sessions (user_id);
CREATE INDEX sessions_expires ON sessions (expires_at);

-- Uploads ------------------------------------------------------------------

CREATE TABLE files (
    id         BLOB    NOT NULL PRIMARY KEY,
    owner_id   BLOB    NOT NULL,
    name       TEXT    NOT NULL,
    size       INTEGER NOT NULL,            -- bytes
    mime       TEXT    NOT NULL,
    width      INTEGER NOT NULL,
    height     INTEGER NOT NULL,
    thumb      INTEGER NOT NULL,
    sha256     BLOB    NOT NULL,
    created_at INTEGER NOT NULL,
    avatar     INTEGER NOT NULL
) WITHOUT ROWID;

CREATE INDEX files_owner ON files (owner_id, size);
CREATE INDEX files_created ON files (created_at);

-- Which messages name a file.
CREATE TABLE file_refs (
    file_id         BLOB    NOT NULL,
    conversation_id BLOB    NOT NULL,
    seq             INTEGER NOT NULL,
    PRIMARY KEY (file_id, conversation_id, seq)
) WITHOUT ROWID;

CREATE INDEX file_refs_message ON file_refs (conversation_id, seq);

-- Conversations ------------------------------------------------------------

-- The head of each conversation. prev_seq is where the batch that wrote the row
-- began: a head moves only from there, so that numbers stay dense.
CREATE TABLE conversations (
    id           BLOB    NOT NULL PRIMARY KEY,
    kind         TEXT    NOT NULL,
    title        TEXT    NOT NULL,
    avatar_id    BLOB,
    created_by   BLOB    NOT NULL,
    created_at   INTEGER NOT NULL,
    seq          INTEGER NOT NULL,
    prev_seq     INTEGER NOT NULL,
    messages     INTEGER NOT NULL,
    last_message INTEGER NOT NULL,
    active_at    INTEGER NOT NULL,
    moved_at     INTEGER NOT NULL,
    members      INTEGER NOT NULL,
    owners       INTEGER NOT NULL
) WITHOUT ROWID;

CREATE INDEX conversations_avatar ON conversations (avatar_id) WHERE avatar_id IS NOT NULL;

CREATE TABLE members (
    conversation_id BLOB    NOT NULL,
    user_id         BLOB    NOT NULL,
    role            TEXT    NOT NULL,
    role_order      INTEGER NOT NULL,       -- 0 owner, 1 admin, 2 member
    visible_from    INTEGER NOT NULL,
    joined_seq      INTEGER NOT NULL,
    joined_at       INTEGER NOT NULL,
    delivered_seq   INTEGER NOT NULL,
    read_seq        INTEGER NOT NULL,
    read_ordinal    INTEGER NOT NULL,       -- of the last message at or below read_seq
    moved_at        INTEGER NOT NULL,
    PRIMARY KEY (conversation_id, user_id)
) WITHOUT ROWID;

CREATE INDEX members_user ON members (user_id, conversation_id);
CREATE INDEX members_order ON members (conversation_id, role_order, joined_seq, user_id);

-- The log. Every entry is in exactly one of the next two tables. They are heaps
-- in the order of commits, so that a batch writes few pages, whatever number of
-- conversations it touches.
CREATE TABLE message_entries (
    conversation_id BLOB    NOT NULL,
    seq             INTEGER NOT NULL,
    ordinal         INTEGER NOT NULL,
    sender_id       BLOB    NOT NULL,
    client_id       TEXT    NOT NULL,
    body            BLOB    NOT NULL,       -- canonical JSON of the entry
    PRIMARY KEY (conversation_id, seq),
    UNIQUE (conversation_id, sender_id, client_id)
);

CREATE TABLE other_entries (
    conversation_id BLOB    NOT NULL,
    seq             INTEGER NOT NULL,
    body            BLOB    NOT NULL,       -- canonical JSON of the entry
    PRIMARY KEY (conversation_id, seq)
);

-- What later entries changed about a message. Only changed messages have a row.
CREATE TABLE message_states (
    conversation_id BLOB    NOT NULL,
    seq             INTEGER NOT NULL,
    text            TEXT    NOT NULL,       -- counts when edited_at is not 0
    edited_at       INTEGER NOT NULL,
    deleted_at      INTEGER NOT NULL,
    deleted         INTEGER NOT NULL,       -- 1 when deleted_at is not 0
    reactions       TEXT    NOT NULL,       -- JSON
    edits           TEXT    NOT NULL,       -- JSON: seqs of the edit entries
    PRIMARY KEY (conversation_id, seq)
) WITHOUT ROWID;

-- Unread counts leave out what was deleted. The constant column makes the planner
-- prefer this index to the much larger primary key.
CREATE INDEX message_states_deleted ON message_states (conversation_id, deleted, seq) WHERE deleted = 1;

-- How far each partition of a log has been applied.
CREATE TABLE positions (
    log         TEXT    NOT NULL,
    part        INTEGER NOT NULL,
    next_offset INTEGER NOT NULL,
    prev_offset INTEGER NOT NULL,
    PRIMARY KEY (log, part)
) WITHOUT ROWID;

-- +goose Down
DROP TABLE positions;
DROP TABLE message_states;
DROP TABLE other_entries;
DROP TABLE message_entries;
DROP TABLE members;
DROP TABLE conversations;
DROP TABLE file_refs;
DROP TABLE files;
DROP TABLE sessions;
DROP TABLE accounts;
