-- The stream engine's own tables, in data.dir/stream.db beside the speed tables (contracts/speed.sql). Statements of
-- src/stream. One transaction covers offsets, state and output, so these always tell of the same prefix of the log.
--
-- task: the partition number p; task p reads partition p of each input topic. hour: number of the hour since the epoch.

-- name: schema
CREATE TABLE IF NOT EXISTS stream_positions (
  topic          TEXT    NOT NULL,
  partition      INTEGER NOT NULL,
  next_offset    INTEGER NOT NULL,
  highest_event  INTEGER,          -- ms, of records that aren't bad
  highest_append INTEGER,          -- ms, of all
  used           INTEGER NOT NULL, -- records so far, by class
  duplicate      INTEGER NOT NULL,
  expired        INTEGER NOT NULL,
  bad            INTEGER NOT NULL,
  late           INTEGER NOT NULL, -- used ones whose window was final
  PRIMARY KEY (topic, partition)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS stream_tasks (
  task      INTEGER PRIMARY KEY,
  watermark INTEGER                -- ms
);

-- A movie's last metadata, and in which hours it has windows. hours: src/stream/movie.h.
CREATE TABLE IF NOT EXISTS stream_movies (
  task       INTEGER NOT NULL,
  movie_id   INTEGER NOT NULL,
  title      TEXT,
  title_time INTEGER,              -- event time in ms of the metadata
  hours      BLOB    NOT NULL,
  PRIMARY KEY (task, movie_id)
) WITHOUT ROWID;

-- The windows of a movie and hour. kind, data: src/stream/bin.h. The hour comes before the movie, so that a commit
-- writes few pages and what is no longer reachable goes as a range.
CREATE TABLE IF NOT EXISTS stream_bins (
  task     INTEGER NOT NULL,
  kind     INTEGER NOT NULL,
  hour     INTEGER NOT NULL,
  movie_id INTEGER NOT NULL,
  data     BLOB    NOT NULL,
  PRIMARY KEY (task, kind, hour, movie_id)
) WITHOUT ROWID;

-- What must be known of single records to tell repeats: src/stream/seen.h says what bucket, key, a and b are.
CREATE TABLE IF NOT EXISTS stream_seen (
  task   INTEGER NOT NULL,
  kind   INTEGER NOT NULL,
  bucket INTEGER NOT NULL,
  key    BLOB    NOT NULL,
  a      INTEGER NOT NULL,
  b      INTEGER NOT NULL,
  PRIMARY KEY (task, kind, bucket, key)
) WITHOUT ROWID;

-- name: read_position
SELECT next_offset, highest_event, highest_append, used, duplicate, expired, bad, late
  FROM stream_positions WHERE topic = ?1 AND partition = ?2;

-- name: put_position
INSERT OR REPLACE INTO stream_positions
  (topic, partition, next_offset, highest_event, highest_append, used, duplicate, expired, bad, late)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10);

-- name: read_task
SELECT watermark FROM stream_tasks WHERE task = ?1;

-- name: put_task
INSERT OR REPLACE INTO stream_tasks (task, watermark) VALUES (?1, ?2);

-- name: read_movie
SELECT title, title_time, hours FROM stream_movies WHERE task = ?1 AND movie_id = ?2;

-- name: put_movie
INSERT INTO stream_movies (task, movie_id, title, title_time, hours) VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT (task, movie_id) DO UPDATE SET title = excluded.title, title_time = excluded.title_time, hours = excluded.hours;

-- name: read_bin
SELECT data FROM stream_bins WHERE task = ?1 AND kind = ?2 AND hour = ?3 AND movie_id = ?4;

-- name: put_bin
INSERT INTO stream_bins (task, kind, hour, movie_id, data) VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT (task, kind, hour, movie_id) DO UPDATE SET data = excluded.data;

-- name: find_bin_below
SELECT 1 FROM stream_bins WHERE task = ?1 AND kind = ?2 AND hour < ?3 LIMIT 1;

-- name: expire_bins
DELETE FROM stream_bins WHERE task = ?1 AND kind = ?2 AND (hour, movie_id) IN (
  SELECT hour, movie_id FROM stream_bins WHERE task = ?1 AND kind = ?2 AND hour < ?3 ORDER BY hour, movie_id LIMIT ?4);

-- name: read_seen
SELECT a, b FROM stream_seen WHERE task = ?1 AND kind = ?2 AND bucket = ?3 AND key = ?4;

-- name: put_seen
INSERT INTO stream_seen (task, kind, bucket, key, a, b) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
ON CONFLICT (task, kind, bucket, key) DO UPDATE SET a = excluded.a, b = excluded.b;

-- name: expire_seen
DELETE FROM stream_seen WHERE task = ?1 AND kind = ?2 AND (bucket, key) IN (
  SELECT bucket, key FROM stream_seen WHERE task = ?1 AND kind = ?2 AND bucket < ?3 ORDER BY bucket, key LIMIT ?4);

-- Producers of whom nothing came since append time ?3.
-- name: expire_producers
DELETE FROM stream_seen WHERE task = ?1 AND kind = ?2 AND (bucket, key) IN (
  SELECT bucket, key FROM stream_seen WHERE task = ?1 AND kind = ?2 AND b <= ?3 ORDER BY bucket, key LIMIT ?4);

-- name: status_positions
SELECT topic, partition, next_offset, used, duplicate, expired, bad, late FROM stream_positions ORDER BY topic, partition;

-- name: status_exists
SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'stream_positions';

-- name: status_watermark
SELECT min(watermark) FROM stream_tasks;

-- ---- the ranker ----

-- name: ranker_schema
-- The internal topic between tasks and ranker: what each commit changed (src/stream/measure.h).
CREATE TABLE IF NOT EXISTS stream_measure_log (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  data     BLOB NOT NULL
);

-- The ranker's state: all measures of a window, as of the log rows that are gone.
CREATE TABLE IF NOT EXISTS stream_measures (
  window_start INTEGER PRIMARY KEY,
  data         BLOB NOT NULL
);

-- What was last ranked: ranked is the number of ranks, digest the checksum of what was published.
CREATE TABLE IF NOT EXISTS stream_rankings (
  window_start INTEGER PRIMARY KEY,
  revision     INTEGER NOT NULL,
  ranked       INTEGER NOT NULL,
  digest       INTEGER NOT NULL
);

-- Records of movie.trending that the bus may not have yet.
CREATE TABLE IF NOT EXISTS stream_outbox (
  id         INTEGER PRIMARY KEY,
  window_end INTEGER NOT NULL,
  data       BLOB    NOT NULL
);

-- name: append_measures
INSERT INTO stream_measure_log (data) VALUES (?1);

-- name: read_measure_log
SELECT sequence, data FROM stream_measure_log ORDER BY sequence;

-- name: clear_measure_log
DELETE FROM stream_measure_log;

-- name: read_measures
SELECT data FROM stream_measures WHERE window_start = ?1;

-- name: put_measures
INSERT OR REPLACE INTO stream_measures (window_start, data) VALUES (?1, ?2);

-- name: read_ranking
SELECT revision, ranked, digest FROM stream_rankings WHERE window_start = ?1;

-- name: put_ranking
INSERT OR REPLACE INTO stream_rankings (window_start, revision, ranked, digest) VALUES (?1, ?2, ?3, ?4);

-- The latest window with ranks in [?1, ?2).
-- name: read_shown
SELECT max(window_start) FROM stream_rankings WHERE window_start >= ?1 AND window_start < ?2 AND ranked > 0;

-- name: expire_measures
DELETE FROM stream_measures WHERE window_start < ?1;

-- name: expire_rankings
DELETE FROM stream_rankings WHERE window_start < ?1;

-- name: read_title
SELECT title FROM stream_movies WHERE task = ?1 AND movie_id = ?2;

-- name: put_outbox
INSERT INTO stream_outbox (window_end, data) VALUES (?1, ?2);

-- name: read_outbox
SELECT id, window_end, data FROM stream_outbox ORDER BY id LIMIT ?1;

-- name: clear_outbox
DELETE FROM stream_outbox WHERE id <= ?1;

-- ---- live statistics ----

-- name: live_schema
-- Counts and registers of one minute since the epoch: src/stream/live.c.
CREATE TABLE IF NOT EXISTS stream_live (
  minute INTEGER PRIMARY KEY,
  data   BLOB NOT NULL
);

-- name: read_live_minute
SELECT data FROM stream_live WHERE minute = ?1;

-- name: put_live_minute
INSERT OR REPLACE INTO stream_live (minute, data) VALUES (?1, ?2);

-- name: expire_live_minutes
DELETE FROM stream_live WHERE minute < ?1;

-- ---- the late ledger ----

-- name: late_schema
-- Used records whose window was final when they came, newest last, bounded: src/stream/late_ledger.h. What it changed:
-- the window's last popularity (ratings), average compound (reviews) or number of events; NULL where it was empty.
CREATE TABLE IF NOT EXISTS stream_late (
  id           INTEGER PRIMARY KEY,
  topic        TEXT    NOT NULL,
  partition    INTEGER NOT NULL,
  offset       INTEGER NOT NULL,
  movie_id     INTEGER NOT NULL,
  window_start INTEGER NOT NULL, -- ms
  late_ms      INTEGER NOT NULL, -- watermark less the window's end
  before       REAL,
  after        REAL
);

-- name: put_late
INSERT INTO stream_late (topic, partition, offset, movie_id, window_start, late_ms, before, after)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8);

-- name: expire_late
DELETE FROM stream_late WHERE id <= (SELECT max(id) FROM stream_late) - ?1;

-- name: status_late_exists
SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'stream_late';

-- name: status_late
SELECT topic, partition, offset, movie_id, window_start, late_ms, before, after FROM stream_late ORDER BY id DESC LIMIT ?1;

-- ---- on Kafka: a task's own file, data.dir/stream/INSTANCE/task-P.db, with the tables above ----
-- What numbered statements (src/stream/delta.h) do to the rows may not change: changelogs hold them.

-- name: cluster_schema
-- Where the file stands in its partition of marquee.stream.changelog (src/stream/changelog.h).
CREATE TABLE IF NOT EXISTS stream_changelog (
  id          INTEGER PRIMARY KEY CHECK (id = 1),
  commits     INTEGER NOT NULL, -- entries of which the file is made
  digest      INTEGER NOT NULL, -- checksum over all of them
  next_offset INTEGER NOT NULL, -- behind the last of them
  sunk        INTEGER NOT NULL  -- entries at lower offsets are in the speed store
);
INSERT OR IGNORE INTO stream_changelog (id, commits, digest, next_offset, sunk) VALUES (1, 0, 0, 0, 0);

-- Used records of held hours.
CREATE TABLE IF NOT EXISTS stream_hour_counts (
  topic        TEXT    NOT NULL,
  hour         INTEGER NOT NULL,
  used_records INTEGER NOT NULL,
  PRIMARY KEY (topic, hour)
) WITHOUT ROWID;

-- The global task's: each task's part of a minute, and where its held hours begin.
CREATE TABLE IF NOT EXISTS stream_live_parts (
  minute INTEGER NOT NULL,
  task   INTEGER NOT NULL,
  data   BLOB    NOT NULL,
  PRIMARY KEY (minute, task)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS stream_horizons (
  task    INTEGER PRIMARY KEY,
  horizon INTEGER NOT NULL
);

-- name: read_changelog
SELECT commits, digest, next_offset, sunk FROM stream_changelog WHERE id = 1;

-- name: put_changelog
UPDATE stream_changelog SET commits = ?1, digest = ?2, next_offset = ?3 WHERE id = 1;

-- name: put_sunk
UPDATE stream_changelog SET sunk = ?1 WHERE id = 1;

-- name: read_hour_counts
SELECT topic, hour, used_records FROM stream_hour_counts ORDER BY topic, hour;

-- name: put_hour_count
INSERT INTO stream_hour_counts (topic, hour, used_records) VALUES (?1, ?2, ?3)
ON CONFLICT (topic, hour) DO UPDATE SET used_records = excluded.used_records;

-- name: expire_hour_counts
DELETE FROM stream_hour_counts WHERE topic = ?1 AND hour < ?2;

-- name: read_live_parts
SELECT data FROM stream_live_parts WHERE minute = ?1 ORDER BY task;

-- name: put_live_part
INSERT INTO stream_live_parts (minute, task, data) VALUES (?1, ?2, ?3)
ON CONFLICT (minute, task) DO UPDATE SET data = excluded.data;

-- name: expire_live_parts
DELETE FROM stream_live_parts WHERE minute < ?1;

-- name: put_title
INSERT INTO stream_movies (task, movie_id, title, title_time, hours) VALUES (?1, ?2, ?3, 0, x'')
ON CONFLICT (task, movie_id) DO UPDATE SET title = excluded.title;

-- name: put_horizon
INSERT INTO stream_horizons (task, horizon) VALUES (?1, ?2)
ON CONFLICT (task) DO UPDATE SET horizon = max(horizon, excluded.horizon);

-- name: read_horizon
SELECT max(horizon) FROM stream_horizons;

-- ---- mending (src/stream/mend.h): names and bytes of all rows that end with a checksum ----

-- name: look_at_movies
SELECT 'task ' || task || ', movie ' || movie_id, hours FROM stream_movies;

-- name: look_at_bins
SELECT 'task ' || task || ', movie ' || movie_id || ', windows of kind ' || kind || ' in hour ' || hour, data FROM stream_bins;

-- name: look_at_measure_log
SELECT 'measure log ' || sequence, data FROM stream_measure_log;

-- name: look_at_measures
SELECT 'measures of window ' || window_start, data FROM stream_measures;

-- name: look_at_live
SELECT 'live minute ' || minute, data FROM stream_live;

-- All that comes of the log but what is published: rankings keep their revisions, the outbox what it owes.
-- name: empty_state
DELETE FROM stream_positions;
DELETE FROM stream_tasks;
DELETE FROM stream_movies;
DELETE FROM stream_bins;
DELETE FROM stream_seen;
DELETE FROM stream_measure_log;
DELETE FROM stream_measures;
DELETE FROM stream_live;
DELETE FROM hour_counts;
