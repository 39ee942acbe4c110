-- Views: what the serving layer reads, as SQLite tables (data.dir/views.db). MongoDB's collections say the same.
-- view.h says what the functions promise; docs/views.md says which documents there are.
--
-- An _id is made of the key fields, most general first, so that documents that are asked for together stand together:
--
--     0000000041|movie_stats|000000000603|000001772496000000||0000|00|
--     generation view_type   movie_id     day_ms              genre year month window
--
-- '|' and '%' within a name are written %7C and %25, so an _id is never ambiguous. A page of a query is one range of _id.

-- name: schema
CREATE TABLE batch_views (
    seq INTEGER PRIMARY KEY,
    _id TEXT NOT NULL UNIQUE,
    generation INTEGER NOT NULL,
    view_type TEXT NOT NULL,
    movie_id INTEGER NOT NULL,
    genre TEXT NOT NULL,
    year INTEGER NOT NULL,
    month INTEGER NOT NULL,
    window TEXT NOT NULL,
    day_ms INTEGER NOT NULL,
    data TEXT NOT NULL
) STRICT;
-- Documents of a genre, in the order of _id.
CREATE INDEX batch_views_genre ON batch_views (generation, view_type, genre, _id) WHERE genre <> '';

-- One row a generation that has documents. building: not served yet. published: served now. superseded: was served until
-- superseded_ms. gone: being removed; nobody may read it any more.
CREATE TABLE generations (
    generation INTEGER PRIMARY KEY,
    state TEXT NOT NULL CHECK (state IN ('building', 'published', 'superseded', 'gone')),
    superseded_ms INTEGER NOT NULL DEFAULT 0,
    batch_run_id TEXT NOT NULL DEFAULT '',
    through_ms INTEGER NOT NULL DEFAULT 0,
    cut_at_ms INTEGER NOT NULL DEFAULT 0,
    computed_at_ms INTEGER NOT NULL DEFAULT 0,
    cut TEXT NOT NULL DEFAULT '{}'
) STRICT;

-- The pointer: which generation is served, and the highest number that was ever used. One row.
CREATE TABLE pointer (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    generation INTEGER NOT NULL,
    last_generation INTEGER NOT NULL
) STRICT;
INSERT INTO pointer VALUES (1, 0, 0);

-- Full text over the "movie" documents (search.h). It is kept with the documents, in their transaction: a generation is found
-- exactly when it is read, and goes with its documents. New documents are taken in by search_put_text and search_put_movies, once a put (FTS5
-- writes its index out at the end of every statement: a row a statement would be a segment a row), changed and removed ones by triggers.
CREATE VIRTUAL TABLE search_text USING fts5 (
    title, people, keywords, tokenize = 'unicode61 remove_diacritics 2', prefix = '2 3'
);
-- What a search filters and sorts by. genres: "|Drama|Western|".
CREATE TABLE search_movies (
    seq INTEGER PRIMARY KEY,
    generation INTEGER NOT NULL,
    movie_id INTEGER NOT NULL,
    title TEXT NOT NULL,
    genres TEXT NOT NULL,
    year INTEGER,
    popularity REAL,
    vote_average REAL
) STRICT;
CREATE INDEX search_movies_generation ON search_movies (generation);

CREATE VIEW search_source AS
SELECT seq, generation, movie_id,
    coalesce(json_extract(data, '$.title'), '') AS title,
    CASE WHEN json_extract(data, '$.original_title') IS NOT json_extract(data, '$.title')
         THEN coalesce(json_extract(data, '$.original_title'), '') ELSE '' END AS other_title,
    (SELECT group_concat(CASE type WHEN 'object' THEN json_extract(value, '$.name') ELSE value END, ' ')
     FROM json_each(data, '$.cast')) AS actors,
    (SELECT group_concat(value, ' ') FROM json_each(data, '$.directors')) AS directors,
    (SELECT group_concat(value, ' ') FROM json_each(data, '$.keywords')) AS keywords,
    (SELECT '|' || group_concat(value, '|') || '|' FROM json_each(data, '$.genres')) AS genres,
    CAST(substr(json_extract(data, '$.release_date'), 1, 4) AS INTEGER) AS year,
    CAST(json_extract(data, '$.popularity') AS REAL) AS popularity,
    CAST(json_extract(data, '$.vote_average') AS REAL) AS vote_average
FROM batch_views
WHERE view_type = 'movie' AND json_valid(data);

CREATE TRIGGER search_delete AFTER DELETE ON batch_views WHEN old.view_type = 'movie' BEGIN
    DELETE FROM search_text WHERE rowid = old.seq;
    DELETE FROM search_movies WHERE seq = old.seq;
END;
CREATE TRIGGER search_update AFTER UPDATE OF data ON batch_views WHEN new.view_type = 'movie' BEGIN
    DELETE FROM search_text WHERE rowid = old.seq;
    DELETE FROM search_movies WHERE seq = old.seq;
    INSERT INTO search_text (rowid, title, people, keywords)
    SELECT seq, title || ' ' || other_title, coalesce(actors, '') || ' ' || coalesce(directors, ''), keywords
    FROM search_source WHERE seq = new.seq;
    INSERT INTO search_movies (seq, generation, movie_id, title, genres, year, popularity, vote_average)
    SELECT seq, generation, movie_id, title, coalesce(genres, ''), year, popularity, vote_average
    FROM search_source WHERE seq = new.seq;
END;

CREATE TABLE speed_views (
    view_type TEXT NOT NULL,
    movie_id INTEGER NOT NULL,
    hour_ms INTEGER NOT NULL,
    data TEXT NOT NULL,
    synced_at_ms INTEGER NOT NULL,
    ttl_expires_at_ms INTEGER NOT NULL,
    PRIMARY KEY (view_type, movie_id, hour_ms)
) STRICT, WITHOUT ROWID;
-- All movies of an hour, and the broom.
CREATE INDEX speed_views_hour ON speed_views (view_type, hour_ms);
CREATE INDEX speed_views_ttl ON speed_views (ttl_expires_at_ms);

-- Where sync stands in the speed store's feed (-1: never synced), when the views last equalled that store, and the earliest
-- hour of which any speed view was ever written (NULL: none). One row.
CREATE TABLE sync_state (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    feed_position INTEGER NOT NULL,
    synced_at_ms INTEGER NOT NULL,
    earliest_hour_ms INTEGER
) STRICT;
INSERT INTO sync_state VALUES (1, -1, 0, NULL);

-- A released lease keeps its row and its epoch; owner is empty then.
CREATE TABLE leases (
    name TEXT PRIMARY KEY,
    owner TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    until_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE runs (
    run_id TEXT PRIMARY KEY,
    started_ms INTEGER NOT NULL,
    ended_ms INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('running', 'done', 'failed', 'stopped')),
    detail TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX runs_started ON runs (started_ms DESC, run_id DESC);

-- name: generation_state
SELECT state FROM generations WHERE generation = ?1;

-- name: pointer_read
SELECT generation, last_generation FROM pointer WHERE id = 1;

-- name: pointer_note
UPDATE pointer SET last_generation = max(last_generation, ?1) WHERE id = 1;

-- name: generation_begin
INSERT INTO generations (generation, state) VALUES (?1, 'building') ON CONFLICT (generation) DO NOTHING;

-- name: doc_put
INSERT INTO batch_views (_id, generation, view_type, movie_id, genre, year, month, window, day_ms, data)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
ON CONFLICT (_id) DO UPDATE SET data = excluded.data;

-- The documents that a put added: those above the highest seq before it.
-- name: doc_last
SELECT coalesce(max(seq), 0) FROM batch_views;

-- name: search_put_text
INSERT INTO search_text (rowid, title, people, keywords)
SELECT seq, title || ' ' || other_title, coalesce(actors, '') || ' ' || coalesce(directors, ''), keywords
FROM search_source WHERE seq > ?1;

-- name: search_put_movies
INSERT INTO search_movies (seq, generation, movie_id, title, genres, year, popularity, vote_average)
SELECT seq, generation, movie_id, title, coalesce(genres, ''), year, popularity, vote_average
FROM search_source WHERE seq > ?1;

-- name: generation_supersede
UPDATE generations SET state = 'superseded', superseded_ms = ?2 WHERE state = 'published' AND generation <> ?1;

-- name: generation_publish
INSERT INTO generations (generation, state, batch_run_id, through_ms, cut_at_ms, computed_at_ms, cut)
VALUES (?1, 'published', ?2, ?3, ?4, ?5, ?6)
ON CONFLICT (generation) DO UPDATE SET state = 'published', superseded_ms = 0, batch_run_id = excluded.batch_run_id,
    through_ms = excluded.through_ms, cut_at_ms = excluded.cut_at_ms, computed_at_ms = excluded.computed_at_ms,
    cut = excluded.cut;

-- name: pointer_switch
UPDATE pointer SET generation = ?1, last_generation = max(last_generation, ?1) WHERE id = 1;

-- name: current_read
SELECT g.generation, g.batch_run_id, g.through_ms, g.cut_at_ms, g.computed_at_ms, g.cut
FROM pointer AS p JOIN generations AS g ON g.generation = p.generation
WHERE p.id = 1;

-- Any of the numbers may be 0 and any of the names '': then it isn't asked for.
-- name: doc_query
SELECT _id, view_type, movie_id, genre, year, month, window, day_ms, data FROM batch_views
WHERE _id > ?1 AND _id < ?2
  AND (?3 = 0 OR movie_id = ?3) AND (?4 = '' OR genre = ?4) AND (?5 = 0 OR year = ?5) AND (?6 = 0 OR month = ?6)
  AND (?7 = '' OR window = ?7) AND (?8 = 0 OR day_ms = ?8) AND (?9 = 0 OR (day_ms >= ?10 AND day_ms < ?9))
ORDER BY _id LIMIT ?11;

-- As doc_query, for a genre: by its own index.
-- name: doc_query_genre
SELECT _id, view_type, movie_id, genre, year, month, window, day_ms, data FROM batch_views
WHERE generation = ?12 AND view_type = ?13 AND genre = ?4 AND genre <> '' AND _id > ?1 AND _id < ?2
  AND (?3 = 0 OR movie_id = ?3) AND (?5 = 0 OR year = ?5) AND (?6 = 0 OR month = ?6)
  AND (?7 = '' OR window = ?7) AND (?8 = 0 OR day_ms = ?8) AND (?9 = 0 OR (day_ms >= ?10 AND day_ms < ?9))
ORDER BY _id LIMIT ?11;

-- Sorts: 0 relevance, 1 popularity, 2 rating, 3 year, 4 title. A word in the title weighs more than a name, that more than a
-- keyword; lower bm25 is better.
-- name: search_words
SELECT m.seq, m.movie_id, bm25(search_text, 10.0, 4.0, 2.0) AS score
FROM search_text JOIN search_movies AS m ON m.seq = search_text.rowid
WHERE search_text MATCH ?9 AND m.generation = ?1 AND (?2 = '' OR instr(m.genres, '|' || ?2 || '|') > 0)
  AND (?3 = 0 OR m.year >= ?3) AND (?4 = 0 OR m.year <= ?4) AND (?5 <= 0 OR m.vote_average >= ?5)
ORDER BY CASE ?6 WHEN 0 THEN score WHEN 1 THEN -m.popularity WHEN 2 THEN -m.vote_average WHEN 3 THEN -m.year END NULLS LAST,
    CASE ?6 WHEN 4 THEN m.title END COLLATE NOCASE, m.popularity DESC NULLS LAST, m.movie_id
LIMIT ?7 OFFSET ?8;

-- name: search_all
SELECT m.seq, m.movie_id, 0.0 AS score
FROM search_movies AS m
WHERE m.generation = ?1 AND (?2 = '' OR instr(m.genres, '|' || ?2 || '|') > 0)
  AND (?3 = 0 OR m.year >= ?3) AND (?4 = 0 OR m.year <= ?4) AND (?5 <= 0 OR m.vote_average >= ?5)
ORDER BY CASE ?6 WHEN 1 THEN -m.popularity WHEN 2 THEN -m.vote_average WHEN 3 THEN -m.year END NULLS LAST,
    CASE ?6 WHEN 4 THEN m.title END COLLATE NOCASE, m.popularity DESC NULLS LAST, m.movie_id
LIMIT ?7 OFFSET ?8;

-- name: doc_read
SELECT data FROM batch_views WHERE seq = ?1;

-- name: speed_put
INSERT INTO speed_views (view_type, movie_id, hour_ms, data, synced_at_ms, ttl_expires_at_ms)
VALUES (?1, ?2, ?3, ?4, ?5, ?6)
ON CONFLICT (view_type, movie_id, hour_ms) DO UPDATE SET data = excluded.data, synced_at_ms = excluded.synced_at_ms,
    ttl_expires_at_ms = excluded.ttl_expires_at_ms;

-- name: speed_delete
DELETE FROM speed_views WHERE view_type = ?1 AND movie_id = ?2 AND hour_ms = ?3;

-- name: sync_read
SELECT feed_position, synced_at_ms, earliest_hour_ms FROM sync_state WHERE id = 1;

-- name: sync_write
UPDATE sync_state SET feed_position = ?1, synced_at_ms = ?2,
    earliest_hour_ms = CASE WHEN ?3 IS NULL THEN earliest_hour_ms ELSE min(coalesce(earliest_hour_ms, ?3), ?3) END
WHERE id = 1;

-- name: speed_query
SELECT movie_id, hour_ms, data, synced_at_ms FROM speed_views
WHERE view_type = ?1 AND movie_id = ?2 AND hour_ms >= ?3 AND hour_ms < ?4 AND ttl_expires_at_ms > ?5
ORDER BY hour_ms LIMIT ?6;

-- name: speed_query_all
SELECT movie_id, hour_ms, data, synced_at_ms FROM speed_views
WHERE view_type = ?1 AND hour_ms >= ?2 AND hour_ms < ?3 AND ttl_expires_at_ms > ?4
ORDER BY hour_ms, movie_id LIMIT ?5;

-- name: speed_sweep
DELETE FROM speed_views WHERE (view_type, movie_id, hour_ms) IN (
    SELECT view_type, movie_id, hour_ms FROM speed_views WHERE ttl_expires_at_ms <= ?1 ORDER BY ttl_expires_at_ms LIMIT ?2);

-- Whatever is below the pointer and isn't the previous generation within its grace: ?1 the highest superseded_ms that is over.
-- name: generation_retire
UPDATE generations SET state = 'gone'
WHERE state <> 'gone' AND generation < (SELECT generation FROM pointer WHERE id = 1)
  AND (state = 'building' OR superseded_ms <= ?1
       OR generation < (SELECT max(generation) FROM generations WHERE state = 'superseded'));

-- name: generation_gone
SELECT generation FROM generations WHERE state = 'gone' ORDER BY generation LIMIT 1;

-- name: doc_sweep
DELETE FROM batch_views WHERE seq IN (SELECT seq FROM batch_views WHERE _id > ?1 AND _id < ?2 LIMIT ?3);

-- name: generation_forget
DELETE FROM generations WHERE generation = ?1 AND state = 'gone';

-- name: lease_read
SELECT owner, epoch, until_ms FROM leases WHERE name = ?1;

-- name: lease_write
INSERT INTO leases (name, owner, epoch, until_ms) VALUES (?1, ?2, ?3, ?4)
ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, epoch = excluded.epoch, until_ms = excluded.until_ms;

-- name: run_put
INSERT INTO runs (run_id, started_ms, ended_ms, state, detail) VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT (run_id) DO UPDATE SET started_ms = excluded.started_ms, ended_ms = excluded.ended_ms,
    state = excluded.state, detail = excluded.detail;

-- name: run_trim
DELETE FROM runs WHERE run_id IN (SELECT run_id FROM runs ORDER BY started_ms DESC, run_id DESC LIMIT -1 OFFSET ?1);

-- name: run_list
SELECT run_id, started_ms, ended_ms, state, detail FROM runs ORDER BY started_ms DESC, run_id DESC LIMIT ?1;
