-- What ingestion remembers across restarts: one file, data.dir/ingest.db. Losing it costs requests, never data.

-- name: schema
CREATE TABLE tracked_movie (
    movie_id            INTEGER PRIMARY KEY,
    popularity          REAL    NOT NULL,
    observed_ms         INTEGER NOT NULL,
    facts_hash          INTEGER NOT NULL, -- of the metadata published last, 0: none
    stale               INTEGER NOT NULL,
    reviews_due_ms      INTEGER NOT NULL,
    reviews_interval_ms INTEGER NOT NULL
);
CREATE TABLE published_review (
    review_id  TEXT    NOT NULL,
    movie_id   INTEGER NOT NULL,
    version_ms INTEGER NOT NULL,          -- updated_at, else created_at, of the version published last
    PRIMARY KEY (review_id)
) WITHOUT ROWID;
CREATE INDEX published_review_movie ON published_review (movie_id);

-- name: put_movie
INSERT INTO tracked_movie (movie_id, popularity, observed_ms, facts_hash, stale, reviews_due_ms, reviews_interval_ms)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
ON CONFLICT (movie_id) DO UPDATE SET
    popularity = excluded.popularity, observed_ms = excluded.observed_ms, facts_hash = excluded.facts_hash,
    stale = excluded.stale, reviews_due_ms = excluded.reviews_due_ms, reviews_interval_ms = excluded.reviews_interval_ms;

-- name: clear_movies
DELETE FROM tracked_movie;

-- name: clear_reviews
DELETE FROM published_review WHERE movie_id NOT IN (SELECT movie_id FROM tracked_movie);

-- name: movies
SELECT movie_id, popularity, observed_ms, facts_hash, stale, reviews_due_ms, reviews_interval_ms FROM tracked_movie;

-- name: put_review
INSERT INTO published_review (review_id, movie_id, version_ms) VALUES (?1, ?2, ?3)
ON CONFLICT (review_id) DO UPDATE SET version_ms = max(version_ms, excluded.version_ms), movie_id = excluded.movie_id;

-- name: review_version
SELECT version_ms FROM published_review WHERE review_id = ?1;
