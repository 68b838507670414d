-- +goose Up

-- What stands at each place of a person's names: up to three letters. A name that
-- holds a text has a row that begins with its last letters.
CREATE TABLE account_parts (
    part    TEXT NOT NULL,
    user_id BLOB NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    PRIMARY KEY (part, user_id)
) WITHOUT ROWID;

CREATE INDEX account_parts_user ON account_parts (user_id);

INSERT OR IGNORE INTO account_parts (part, user_id)
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 256)
SELECT substr(a.username_key, n.i, 3), a.id FROM accounts a JOIN n ON n.i <= length(a.username_key)
UNION
SELECT substr(a.name_key, n.i, 3), a.id FROM accounts a JOIN n ON n.i <= length(a.name_key);

CREATE INDEX accounts_username_key ON accounts (username_key) WHERE disabled = 0;
CREATE INDEX accounts_name_key ON accounts (name_key) WHERE disabled = 0;

-- +goose Down
DROP INDEX accounts_name_key;
DROP INDEX accounts_username_key;
DROP TABLE account_parts;
