-- +goose Up

-- The parts of one to three letters of two names, by which they are searched. It
-- does what the pg_trgm extension does, for every script, in every locale, and
-- without the right to make an extension.
-- +goose StatementBegin
CREATE FUNCTION parley_parts(a TEXT, b TEXT) RETURNS TEXT[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT COALESCE(array_agg(DISTINCT substr(x, i, n)), '{}')
    FROM (VALUES (a), (b)) AS names (x), generate_series(1, 3) AS n, generate_series(1, length(x) - n + 1) AS i
$$;
-- +goose StatementEnd

CREATE INDEX accounts_parts ON accounts USING gin (parley_parts(username_key, name_key)) WITH (fastupdate = off) WHERE disabled = 0;
CREATE INDEX accounts_username_key ON accounts (username_key) WHERE disabled = 0;
CREATE INDEX accounts_name_key ON accounts (name_key) WHERE disabled = 0;

-- +goose Down
DROP INDEX accounts_name_key;
DROP INDEX accounts_username_key;
DROP INDEX accounts_parts;
DROP FUNCTION parley_parts;
