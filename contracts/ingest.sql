-- What ingestion remembers across restarts: one file, data.dir/ingest.db. Losing it costs requests and repeated
-- records, never data.

-- name: schema
CREATE TABLE tracked_movie (
    movie_id            INTEGER PRIMARY KEY,
    popularity          REAL    NOT NULL,
    observed_ms         INTEGER NOT NULL,
    facts_hash          INTEGER NOT NULL, -- of the metadata published last, 0: none
    stale               INTEGER NOT NULL,
    whole_ms            INTEGER NOT NULL, -- when the whole answer was read last, 0: never
    reviews_due_ms      INTEGER NOT NULL,
    reviews_interval_ms INTEGER NOT NULL,
    left_ms             INTEGER NOT NULL  -- since when it is no longer tracked, 0: it is
);
CREATE INDEX tracked_movie_left ON tracked_movie (left_ms) WHERE left_ms > 0;
CREATE TABLE published_review (
    review_id  TEXT    NOT NULL,
    movie_id   INTEGER NOT NULL,
    version_ms INTEGER NOT NULL,          -- updated_at, else created_at, of the version published last
    PRIMARY KEY (review_id)
) WITHOUT ROWID;
CREATE INDEX published_review_movie ON published_review (movie_id);
-- How far something has come: changes_read_ms, backfilled_from_ms, backfilled_to_ms.
CREATE TABLE progress (
    name  TEXT    NOT NULL,
    value INTEGER NOT NULL,
    PRIMARY KEY (name)
) WITHOUT ROWID;

-- name: put_movie
INSERT INTO tracked_movie (movie_id, popularity, observed_ms, facts_hash, stale, whole_ms, reviews_due_ms,
                           reviews_interval_ms, left_ms)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 0)
ON CONFLICT (movie_id) DO UPDATE SET
    popularity = excluded.popularity, observed_ms = excluded.observed_ms, facts_hash = excluded.facts_hash,
    stale = excluded.stale, whole_ms = excluded.whole_ms, reviews_due_ms = excluded.reviews_due_ms,
    reviews_interval_ms = excluded.reviews_interval_ms, left_ms = 0;

-- name: leave_movie
-- Its facts and reviews stay remembered for a while, so that one that comes back isn't published again.
INSERT INTO tracked_movie (movie_id, popularity, observed_ms, facts_hash, stale, whole_ms, reviews_due_ms,
                           reviews_interval_ms, left_ms)
VALUES (?1, 0, 0, 0, 0, 0, 0, 0, ?2)
ON CONFLICT (movie_id) DO UPDATE SET left_ms = excluded.left_ms;

-- name: movies
SELECT movie_id, popularity, observed_ms, facts_hash, stale, whole_ms, reviews_due_ms, reviews_interval_ms
FROM tracked_movie WHERE left_ms = 0 ORDER BY popularity DESC, movie_id;

-- name: movie_ids
SELECT movie_id FROM tracked_movie WHERE left_ms = 0;

-- name: facts_hash
SELECT facts_hash FROM tracked_movie WHERE movie_id = ?1;

-- name: sweep_reviews
DELETE FROM published_review
WHERE movie_id IN (SELECT movie_id FROM tracked_movie WHERE left_ms > 0 AND left_ms < ?1);

-- name: sweep_movies
DELETE FROM tracked_movie WHERE left_ms > 0 AND left_ms < ?1;

-- name: put_review
INSERT INTO published_review (review_id, movie_id, version_ms) VALUES (?1, ?2, ?3)
ON CONFLICT (review_id) DO UPDATE SET version_ms = max(version_ms, excluded.version_ms), movie_id = excluded.movie_id;

-- name: review_version
SELECT version_ms FROM published_review WHERE review_id = ?1;

-- name: put_progress
INSERT INTO progress (name, value) VALUES (?1, ?2)
ON CONFLICT (name) DO UPDATE SET value = excluded.value;

-- name: progress
SELECT value FROM progress WHERE name = ?1;
