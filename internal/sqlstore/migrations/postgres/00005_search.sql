-- +goose Up

-- What each batch changed and the full-text index has not seen: for each of some
-- conversations its seqs above one up to another. A row for each batch, written
-- with it, so that nothing is forgotten, and few.
CREATE TABLE unindexed (
    id               BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    log              TEXT     COLLATE "C" NOT NULL,
    part             BIGINT   NOT NULL,
    conversation_ids BYTEA[]  NOT NULL,
    after_seqs       BIGINT[] NOT NULL,
    last_seqs        BIGINT[] NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

CREATE INDEX unindexed_part ON unindexed (log, part, id);

-- Hashes of the terms that a message is found by.
CREATE TABLE message_terms (
    conversation_id BYTEA     NOT NULL,
    seq             BIGINT    NOT NULL,
    at              BIGINT    NOT NULL,
    terms           INTEGER[] NOT NULL,
    PRIMARY KEY (conversation_id, seq)
);

-- What is new waits in a list, which every search reads: it is kept short.
CREATE INDEX message_terms_terms ON message_terms USING gin (terms) WITH (gin_pending_list_limit = 1024);
CREATE INDEX message_terms_recent ON message_terms (conversation_id, at, seq);

-- What was there before.
INSERT INTO positions (log, part, next_offset, prev_offset) SELECT '', 0, 0, 0 WHERE EXISTS (SELECT 1 FROM conversations);
INSERT INTO unindexed (log, part, conversation_ids, after_seqs, last_seqs)
SELECT '', 0, ARRAY[id], ARRAY[0], ARRAY[seq] FROM conversations;

-- +goose Down
DROP TABLE message_terms;
DROP TABLE unindexed;
DELETE FROM positions WHERE log = '';
