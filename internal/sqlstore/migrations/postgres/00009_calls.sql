-- +goose Up

-- Which entries are calls, so that each is noted once. The entries are in other_entries.
CREATE TABLE call_entries (
    conversation_id BYTEA  NOT NULL,
    sender_id       BYTEA  NOT NULL,          -- who called
    client_id       TEXT   COLLATE "C" NOT NULL,          -- the id of the call
    seq             BIGINT NOT NULL,
    PRIMARY KEY (conversation_id, sender_id, client_id)
);

-- +goose Down
DROP TABLE call_entries;
