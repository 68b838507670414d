-- +goose Up

-- The same tables as in SQLite, where their columns are explained. Text is
-- compared byte by byte (COLLATE "C"), as Go does: page cursors and the greatest
-- client id of a sender depend on it. Whatever belongs to one conversation has
-- its id in every unique key, so that these tables can be partitioned by it.

-- People and their log-ins -------------------------------------------------

CREATE TABLE accounts (
    id            BYTEA  NOT NULL PRIMARY KEY,
    folded        TEXT   COLLATE "C" NOT NULL UNIQUE,
    username      TEXT   COLLATE "C" NOT NULL,
    display_name  TEXT   COLLATE "C" NOT NULL,
    username_key  TEXT   COLLATE "C" NOT NULL,
    name_key      TEXT   COLLATE "C" NOT NULL,
    bio           TEXT   COLLATE "C" NOT NULL,
    avatar_id     BYTEA,
    email         TEXT   COLLATE "C" NOT NULL,
    password_hash TEXT   COLLATE "C" NOT NULL,
    settings      BYTEA  NOT NULL,
    created_at    BIGINT NOT NULL,
    last_seen_at  BIGINT NOT NULL,
    disabled      BIGINT NOT NULL
) WITH (fillfactor = 80);

CREATE INDEX accounts_avatar ON accounts (avatar_id) WHERE avatar_id IS NOT NULL;

CREATE TABLE sessions (
    id         BYTEA  NOT NULL PRIMARY KEY,
    user_id    BYTEA  NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    token_hash BYTEA  NOT NULL UNIQUE,
    created_at BIGINT NOT NULL,
    seen_at    BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    user_agent TEXT   COLLATE "C" NOT NULL,
    address    TEXT   COLLATE "C" NOT NULL
);

CREATE INDEX sessions_user ON sessions (user_id);
CREATE INDEX sessions_expires ON sessions (expires_at);

-- Uploads ------------------------------------------------------------------

CREATE TABLE files (
    id         BYTEA  NOT NULL PRIMARY KEY,
    owner_id   BYTEA  NOT NULL,
    name       TEXT   COLLATE "C" NOT NULL,
    size       BIGINT NOT NULL,
    mime       TEXT   COLLATE "C" NOT NULL,
    width      BIGINT NOT NULL,
    height     BIGINT NOT NULL,
    thumb      BIGINT NOT NULL,
    sha256     BYTEA  NOT NULL,
    created_at BIGINT NOT NULL,
    avatar     BIGINT NOT NULL
);

CREATE INDEX files_owner ON files (owner_id, size);
CREATE INDEX files_created ON files (created_at);

CREATE TABLE file_refs (
    file_id         BYTEA  NOT NULL,
    conversation_id BYTEA  NOT NULL,
    seq             BIGINT NOT NULL,
    PRIMARY KEY (file_id, conversation_id, seq)
);

CREATE INDEX file_refs_message ON file_refs (conversation_id, seq);

-- Conversations ------------------------------------------------------------

-- Heads and members are changed all the time, in columns that no index has: with
-- room left on its page, a new version of a row touches no index.
CREATE TABLE conversations (
    id           BYTEA  NOT NULL PRIMARY KEY,
    kind         TEXT   COLLATE "C" NOT NULL,
    title        TEXT   COLLATE "C" NOT NULL,
    avatar_id    BYTEA,
    created_by   BYTEA  NOT NULL,
    created_at   BIGINT NOT NULL,
    seq          BIGINT NOT NULL,
    prev_seq     BIGINT NOT NULL,
    messages     BIGINT NOT NULL,
    last_message BIGINT NOT NULL,
    active_at    BIGINT NOT NULL,
    moved_at     BIGINT NOT NULL,
    members      BIGINT NOT NULL,
    owners       BIGINT NOT NULL
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);

CREATE INDEX conversations_avatar ON conversations (avatar_id) WHERE avatar_id IS NOT NULL;

CREATE TABLE members (
    conversation_id BYTEA  NOT NULL,
    user_id         BYTEA  NOT NULL,
    role            TEXT   COLLATE "C" NOT NULL,
    role_order      BIGINT NOT NULL,
    visible_from    BIGINT NOT NULL,
    joined_seq      BIGINT NOT NULL,
    joined_at       BIGINT NOT NULL,
    delivered_seq   BIGINT NOT NULL,
    read_seq        BIGINT NOT NULL,
    read_ordinal    BIGINT NOT NULL,
    moved_at        BIGINT NOT NULL,
    PRIMARY KEY (conversation_id, user_id)
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);

CREATE INDEX members_user ON members (user_id, conversation_id);
CREATE INDEX members_order ON members (conversation_id, role_order, joined_seq, user_id);

CREATE TABLE message_entries (
    conversation_id BYTEA  NOT NULL,
    seq             BIGINT NOT NULL,
    ordinal         BIGINT NOT NULL,
    sender_id       BYTEA  NOT NULL,
    client_id       TEXT   COLLATE "C" NOT NULL,
    body            BYTEA  NOT NULL,
    PRIMARY KEY (conversation_id, seq),
    UNIQUE (conversation_id, sender_id, client_id)
);

CREATE TABLE other_entries (
    conversation_id BYTEA  NOT NULL,
    seq             BIGINT NOT NULL,
    body            BYTEA  NOT NULL,
    PRIMARY KEY (conversation_id, seq)
);

CREATE TABLE message_states (
    conversation_id BYTEA  NOT NULL,
    seq             BIGINT NOT NULL,
    text            TEXT   COLLATE "C" NOT NULL,
    edited_at       BIGINT NOT NULL,
    deleted_at      BIGINT NOT NULL,
    deleted         BIGINT NOT NULL,
    reactions       TEXT   COLLATE "C" NOT NULL,
    edits           TEXT   COLLATE "C" NOT NULL,
    PRIMARY KEY (conversation_id, seq)
);

CREATE INDEX message_states_deleted ON message_states (conversation_id, seq) WHERE deleted = 1;

-- A handful of rows, each changed by every batch of its partition: pages are left
-- almost empty, so that old versions are dropped on the way.
CREATE TABLE positions (
    log         TEXT   COLLATE "C" NOT NULL,
    part        BIGINT NOT NULL,
    next_offset BIGINT NOT NULL,
    prev_offset BIGINT NOT NULL,
    PRIMARY KEY (log, part)
) WITH (fillfactor = 10, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

-- A batch is sent in one go, without waiting for what each statement did: this
-- ends its transaction when one of them did not do what it had to.
-- +goose StatementBegin
CREATE FUNCTION parley_expect(done BIGINT, wanted BIGINT, otherwise TEXT) RETURNS BIGINT LANGUAGE plpgsql AS $$
BEGIN
    IF done <> wanted THEN
        RAISE EXCEPTION '% rows instead of %', done, wanted USING ERRCODE = otherwise;
    END IF;
    RETURN done;
END
$$;
-- +goose StatementEnd

-- +goose Down
DROP FUNCTION parley_expect;
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
