-- The embedded bus: data.dir/bus.db. Statements of src/bus/bus_sqlite.c.
--
-- One row of batches is what one produce call appended to one partition: offsets base_offset to
-- base_offset + records - 1. bytes is the format of src/bus/record_batch.h; crc32 covers the row. The rows of a
-- partition join without gaps from start_offset to end_offset. batches has a rowid of its own, so that appending
-- writes at the table's end and only the small index is kept in the key's order.

-- name: schema
CREATE TABLE topics (
  topic_id   INTEGER PRIMARY KEY,
  name       TEXT NOT NULL UNIQUE,
  partitions INTEGER NOT NULL
) STRICT;

CREATE TABLE partitions (
  topic_id     INTEGER NOT NULL REFERENCES topics,
  partition    INTEGER NOT NULL,
  start_offset INTEGER NOT NULL DEFAULT 0, -- first kept offset
  end_offset   INTEGER NOT NULL DEFAULT 0, -- offset of the next record
  PRIMARY KEY (topic_id, partition)
) STRICT, WITHOUT ROWID;

CREATE TABLE batches (
  topic_id       INTEGER NOT NULL,
  partition      INTEGER NOT NULL,
  base_offset    INTEGER NOT NULL,
  records        INTEGER NOT NULL,
  append_time_ms INTEGER NOT NULL,
  crc32          INTEGER NOT NULL,
  bytes          BLOB NOT NULL,
  PRIMARY KEY (topic_id, partition, base_offset)
) STRICT;

CREATE TABLE group_offsets (
  group_name  TEXT NOT NULL,
  topic_id    INTEGER NOT NULL REFERENCES topics,
  partition   INTEGER NOT NULL,
  next_offset INTEGER NOT NULL,
  PRIMARY KEY (group_name, topic_id, partition)
) STRICT, WITHOUT ROWID;

-- name: list_topics
SELECT name, partitions FROM topics ORDER BY name;

-- name: find_topic
SELECT topic_id, partitions FROM topics WHERE name = ?1;

-- name: create_topic
INSERT INTO topics (name, partitions) VALUES (?1, ?2);

-- name: create_partition
INSERT INTO partitions (topic_id, partition) VALUES (?1, ?2);

-- name: offsets
SELECT start_offset, end_offset FROM partitions WHERE topic_id = ?1 AND partition = ?2;

-- name: append
INSERT INTO batches (topic_id, partition, base_offset, records, append_time_ms, crc32, bytes)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7);

-- name: set_end
UPDATE partitions SET end_offset = ?3 WHERE topic_id = ?1 AND partition = ?2;

-- name: set_start
UPDATE partitions SET start_offset = ?3 WHERE topic_id = ?1 AND partition = ?2;

-- The batch that holds the offset, then those behind it.
-- name: fetch_batches
SELECT base_offset, records, append_time_ms, crc32, bytes
FROM batches
WHERE topic_id = ?1 AND partition = ?2
  AND base_offset >= coalesce((SELECT max(base_offset) FROM batches
                               WHERE topic_id = ?1 AND partition = ?2 AND base_offset <= ?3), ?3)
ORDER BY base_offset;

-- name: oldest_batches
SELECT base_offset, records, append_time_ms
FROM batches WHERE topic_id = ?1 AND partition = ?2
ORDER BY base_offset LIMIT ?3;

-- name: remove_batches
DELETE FROM batches WHERE topic_id = ?1 AND partition = ?2 AND base_offset < ?3;

-- name: group_commit
INSERT INTO group_offsets (group_name, topic_id, partition, next_offset) VALUES (?1, ?2, ?3, ?4)
ON CONFLICT (group_name, topic_id, partition) DO UPDATE SET next_offset = excluded.next_offset;

-- name: group_offset
SELECT next_offset FROM group_offsets WHERE group_name = ?1 AND topic_id = ?2 AND partition = ?3;
