-- silver/snapshots: each observation of a movie's popularity and votes once. Unlike hours_* it includes what came too late for
-- the speed layer. Of several with the same movie and time the one with the highest offset counts, so a new one comes before
-- one that an earlier run took.
SELECT movie_id, observed_at, popularity_e4, vote_average_e4, vote_count
FROM (
    SELECT
        *,
        row_number() OVER (PARTITION BY movie_id, observed_at ORDER BY origin DESC, log_offset DESC) AS place
    FROM (
        SELECT movie_id, observed_at, popularity_e4, vote_average_e4, vote_count, 0 AS origin, CAST(0 AS BIGINT) AS log_offset
        FROM snapshots_before
        UNION ALL
        SELECT movie_id, event_time AS observed_at, popularity_e4, vote_average_e4, vote_count, 1 AS origin, log_offset
        FROM judged_ratings
        WHERE class <> 'bad'
    ) AS found
    WHERE observed_at >= ${from_ms} AND observed_at < ${to_ms}
) AS placed
WHERE place = 1
ORDER BY movie_id, observed_at
