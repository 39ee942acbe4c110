-- The speed tables of the embedded store (data.dir/stream.db). contracts/speed.cql says the same for Cassandra.
--
-- hour and window times are ms UTC of their start. A row is held while hour + 1 h + speed.retention > clock; each reader
-- filters by hour, the sweep only makes room. The hour comes first in each key, so that a commit writes few pages (its
-- hours are the newest ones) and expiry removes a range; a movie's rows are found by a step per hour.
-- popularity and vote_average have four decimals: rint(x * 10000) is the exact integer that was computed with.

-- name: schema
CREATE TABLE movie_stats (
  hour            INTEGER NOT NULL,
  movie_id        INTEGER NOT NULL,
  title           TEXT,
  vote_average    REAL    NOT NULL,
  vote_count      INTEGER NOT NULL,
  popularity      REAL    NOT NULL,
  rating_velocity REAL,
  last_updated    INTEGER NOT NULL,
  PRIMARY KEY (hour, movie_id)
) WITHOUT ROWID;

CREATE TABLE review_sentiments (
  hour               INTEGER NOT NULL,
  movie_id           INTEGER NOT NULL,
  window_start       INTEGER NOT NULL,
  window_end         INTEGER NOT NULL,
  avg_sentiment      REAL    NOT NULL,
  sentiment_sum_e4   INTEGER NOT NULL,
  review_count       INTEGER NOT NULL,
  positive_count     INTEGER NOT NULL,
  negative_count     INTEGER NOT NULL,
  neutral_count      INTEGER NOT NULL,
  sentiment_velocity REAL,
  PRIMARY KEY (hour, movie_id, window_start)
) WITHOUT ROWID;

CREATE TABLE trending_movies (
  hour           INTEGER NOT NULL,
  rank           INTEGER NOT NULL,
  window_end     INTEGER NOT NULL,
  movie_id       INTEGER NOT NULL,
  title          TEXT,
  trending_score REAL    NOT NULL,
  velocity       REAL    NOT NULL,
  acceleration   REAL,
  PRIMARY KEY (hour, rank)
) WITHOUT ROWID;

CREATE TABLE real_time_stats (
  hour         INTEGER NOT NULL,
  metric       TEXT    NOT NULL,
  window_start INTEGER NOT NULL,
  value        REAL    NOT NULL,
  PRIMARY KEY (hour, metric, window_start)
) WITHOUT ROWID;

-- Used records: what the merge counts pending late records with.
CREATE TABLE hour_counts (
  hour         INTEGER NOT NULL,
  topic        TEXT    NOT NULL,
  partition    INTEGER NOT NULL,
  used_records INTEGER NOT NULL,
  PRIMARY KEY (hour, topic, partition)
) WITHOUT ROWID;

-- Keys that changed, each once, at its latest sequence. table_id: enum speed_table. movie_id 0 where the hour is the key.
CREATE TABLE speed_feed (
  sequence INTEGER PRIMARY KEY,
  table_id INTEGER NOT NULL,
  hour     INTEGER NOT NULL,
  movie_id INTEGER NOT NULL,
  UNIQUE (table_id, hour, movie_id)
);

-- The next sequence: it never goes back, also when the feed has been emptied. 1: none was taken; the first one is the
-- clock's microseconds, so that a new file's sequences lie behind those of one that was lost.
CREATE TABLE speed_sequence (
  id   INTEGER PRIMARY KEY CHECK (id = 1),
  next INTEGER NOT NULL
);
INSERT INTO speed_sequence (id, next) VALUES (1, 1);

-- The last batch of each source that numbers its batches (struct speed_batch); made by the first such batch.
-- name: sources_schema
CREATE TABLE IF NOT EXISTS speed_sources (
  source   INTEGER PRIMARY KEY,
  sequence INTEGER NOT NULL
);

-- name: read_source
SELECT sequence FROM speed_sources WHERE source = ?1;

-- A row is changed where the batch is new.
-- name: put_source
INSERT INTO speed_sources (source, sequence) VALUES (?1, ?2)
ON CONFLICT (source) DO UPDATE SET sequence = excluded.sequence WHERE excluded.sequence > speed_sources.sequence;

-- name: put_stats
INSERT INTO movie_stats (hour, movie_id, title, vote_average, vote_count, popularity, rating_velocity, last_updated)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
ON CONFLICT (hour, movie_id) DO UPDATE SET
  title = excluded.title, vote_average = excluded.vote_average, vote_count = excluded.vote_count,
  popularity = excluded.popularity, rating_velocity = excluded.rating_velocity, last_updated = excluded.last_updated;

-- name: drop_stats
DELETE FROM movie_stats WHERE hour = ?1 AND movie_id = ?2;

-- name: put_sentiment
INSERT INTO review_sentiments (hour, movie_id, window_start, window_end, avg_sentiment, sentiment_sum_e4, review_count,
                               positive_count, negative_count, neutral_count, sentiment_velocity)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
ON CONFLICT (hour, movie_id, window_start) DO UPDATE SET
  window_end = excluded.window_end, avg_sentiment = excluded.avg_sentiment, sentiment_sum_e4 = excluded.sentiment_sum_e4,
  review_count = excluded.review_count, positive_count = excluded.positive_count, negative_count = excluded.negative_count,
  neutral_count = excluded.neutral_count, sentiment_velocity = excluded.sentiment_velocity;

-- name: drop_sentiment
DELETE FROM review_sentiments WHERE hour = ?1 AND movie_id = ?2 AND window_start = ?3;

-- name: drop_trending
DELETE FROM trending_movies WHERE hour = ?1;

-- name: put_trending
INSERT INTO trending_movies (hour, rank, window_end, movie_id, title, trending_score, velocity, acceleration)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8);

-- name: put_live
INSERT INTO real_time_stats (hour, metric, window_start, value) VALUES (?1, ?2, ?3, ?4)
ON CONFLICT (hour, metric, window_start) DO UPDATE SET value = excluded.value;

-- name: put_hour_count
INSERT INTO hour_counts (hour, topic, partition, used_records) VALUES (?1, ?2, ?3, ?4)
ON CONFLICT (hour, topic, partition) DO UPDATE SET used_records = excluded.used_records;

-- name: put_feed
INSERT OR REPLACE INTO speed_feed (sequence, table_id, hour, movie_id) VALUES (?1, ?2, ?3, ?4);

-- name: read_sequence
SELECT next FROM speed_sequence WHERE id = 1;

-- name: put_sequence
UPDATE speed_sequence SET next = ?1 WHERE id = 1;

-- name: read_feed
SELECT sequence, table_id, hour, movie_id FROM speed_feed WHERE sequence > ?1 ORDER BY sequence LIMIT ?2;

-- name: read_stats
WITH RECURSIVE hours (hour) AS (
  SELECT min(hour) FROM movie_stats WHERE hour >= ?2 AND hour < ?3
  UNION ALL
  SELECT (SELECT min(s.hour) FROM movie_stats s WHERE s.hour > hours.hour AND s.hour < ?3)
    FROM hours WHERE hours.hour IS NOT NULL
)
SELECT s.hour, s.movie_id, s.title, s.vote_average, s.vote_count, s.popularity, s.rating_velocity, s.last_updated
  FROM hours CROSS JOIN movie_stats s ON s.hour = hours.hour AND s.movie_id = ?1
 ORDER BY s.hour;

-- name: scan_stats
SELECT hour, movie_id, title, vote_average, vote_count, popularity, rating_velocity, last_updated
  FROM movie_stats WHERE hour >= ?1 ORDER BY movie_id, hour;

-- name: read_sentiment
WITH RECURSIVE hours (hour) AS (
  SELECT min(hour) FROM review_sentiments WHERE hour >= ?2 AND hour < ?3
  UNION ALL
  SELECT (SELECT min(s.hour) FROM review_sentiments s WHERE s.hour > hours.hour AND s.hour < ?3)
    FROM hours WHERE hours.hour IS NOT NULL
)
SELECT s.hour, s.movie_id, s.window_start, s.window_end, s.avg_sentiment, s.sentiment_sum_e4, s.review_count,
       s.positive_count, s.negative_count, s.neutral_count, s.sentiment_velocity
  FROM hours CROSS JOIN review_sentiments s ON s.hour = hours.hour AND s.movie_id = ?1
 ORDER BY s.hour, s.window_start;

-- name: scan_sentiment
SELECT hour, movie_id, window_start, window_end, avg_sentiment, sentiment_sum_e4, review_count,
       positive_count, negative_count, neutral_count, sentiment_velocity
  FROM review_sentiments WHERE hour >= ?1 ORDER BY movie_id, hour, window_start;

-- name: read_trending
SELECT hour, rank, window_end, movie_id, title, trending_score, velocity, acceleration
  FROM trending_movies WHERE hour >= ?1 AND hour < ?2 ORDER BY hour, rank;

-- All metrics where ?1 is null.
-- name: read_live
SELECT hour, metric, window_start, value
  FROM real_time_stats WHERE hour >= ?2 AND hour < ?3 AND (?1 IS NULL OR metric = ?1) ORDER BY hour, window_start;

-- name: read_hour_counts
SELECT hour, topic, partition, used_records
  FROM hour_counts WHERE hour >= ?1 AND hour < ?2 ORDER BY hour, topic, partition;

-- The last expired hour is ?1, at most ?2 rows.
-- name: expire_stats
DELETE FROM movie_stats WHERE (hour, movie_id) IN (SELECT hour, movie_id FROM movie_stats WHERE hour <= ?1 ORDER BY hour LIMIT ?2);

-- name: expire_sentiment
DELETE FROM review_sentiments WHERE (hour, movie_id, window_start) IN (
  SELECT hour, movie_id, window_start FROM review_sentiments WHERE hour <= ?1 ORDER BY hour LIMIT ?2);

-- name: expire_trending
DELETE FROM trending_movies WHERE (hour, rank) IN (SELECT hour, rank FROM trending_movies WHERE hour <= ?1 ORDER BY hour LIMIT ?2);

-- name: expire_live
DELETE FROM real_time_stats WHERE (hour, metric, window_start) IN (
  SELECT hour, metric, window_start FROM real_time_stats WHERE hour <= ?1 ORDER BY hour LIMIT ?2);

-- name: expire_hour_counts
DELETE FROM hour_counts WHERE (hour, topic, partition) IN (
  SELECT hour, topic, partition FROM hour_counts WHERE hour <= ?1 ORDER BY hour LIMIT ?2);

-- Feed entries up to what sync has copied (?1), at most ?2.
-- name: expire_feed
DELETE FROM speed_feed WHERE sequence IN (SELECT sequence FROM speed_feed WHERE sequence <= ?1 ORDER BY sequence LIMIT ?2);

-- For people (src/speed/speed_query.h): the held hours of each table; first_held() is that connection's own.
-- name: query_views
CREATE TEMP VIEW movie_stats AS SELECT * FROM main.movie_stats WHERE hour >= first_held();
CREATE TEMP VIEW review_sentiments AS SELECT * FROM main.review_sentiments WHERE hour >= first_held();
CREATE TEMP VIEW trending_movies AS SELECT * FROM main.trending_movies WHERE hour >= first_held();
CREATE TEMP VIEW real_time_stats AS SELECT * FROM main.real_time_stats WHERE hour >= first_held();
CREATE TEMP VIEW hour_counts AS SELECT * FROM main.hour_counts WHERE hour >= first_held();
