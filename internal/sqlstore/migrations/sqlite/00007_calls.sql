-- +goose Up

-- Which entries are calls, so that each is noted once. The entries are in other_entries.
CREATE TABLE call_entries (
    conversation_id BLOB    NOT NULL,
    sender_id       BLOB    NOT NULL,          -- who called
    client_id       TEXT    NOT NULL,          -- the id of the call
    seq             INTEGER NOT NULL,
    PRIMARY KEY (conversation_id, sender_id, client_id)
) WITHOUT ROWID;

-- +goose Down
DROP TABLE call_entries;
