-- +goose Up

-- Log-ins that were ended before their time, for nodes that the bus does not tell. They
-- are looked at by time, and deleted when every node has had time enough to see them.
CREATE TABLE ended_sessions (
    id      BYTEA PRIMARY KEY,
    user_id BYTEA  NOT NULL,
    at      BIGINT NOT NULL
);

CREATE INDEX ended_sessions_by_time ON ended_sessions (at);

-- +goose Down
DROP TABLE ended_sessions;
