-- +goose Up
ALTER TABLE file_refs ADD COLUMN sort TEXT COLLATE "C" NOT NULL DEFAULT 'other'; -- media, audio or other
UPDATE file_refs SET sort = 'media'
WHERE EXISTS (SELECT 1 FROM files f WHERE f.id = file_refs.file_id AND (f.mime LIKE 'image/%' OR f.mime LIKE 'video/%'));
UPDATE file_refs SET sort = 'audio'
WHERE EXISTS (SELECT 1 FROM files f WHERE f.id = file_refs.file_id AND f.mime LIKE 'audio/%');
CREATE INDEX file_refs_sort ON file_refs (conversation_id, sort, seq, file_id);
CREATE INDEX departures_since ON departures (user_id, left_at);

-- +goose Down
DROP INDEX departures_since;
DROP INDEX file_refs_sort;
ALTER TABLE file_refs DROP COLUMN sort;
