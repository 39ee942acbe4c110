-- rating_windows: of each movie and 5-minute window the last used rating, and what it was in the movie's previous non-empty
-- window if that starts at most lookback earlier (docs/semantics.md, "Previous window").
WITH lasts AS (
    SELECT movie_id, window_start, event_time, vote_average_e4, popularity_e4, vote_count
    FROM (
        SELECT
            movie_id, window_start, event_time, vote_average_e4, popularity_e4, vote_count,
            row_number() OVER (PARTITION BY movie_id, window_start ORDER BY event_time DESC, log_offset DESC) AS place
        FROM judged_ratings
        WHERE class = 'used' AND event_time >= ${input_from_ms} AND event_time < ${input_to_ms}
    ) AS placed
    WHERE place = 1
),
befores AS (
    SELECT
        *,
        lag(window_start) OVER (PARTITION BY movie_id ORDER BY window_start) AS before_start,
        lag(vote_average_e4) OVER (PARTITION BY movie_id ORDER BY window_start) AS before_vote_average_e4,
        lag(popularity_e4) OVER (PARTITION BY movie_id ORDER BY window_start) AS before_popularity_e4,
        lag(vote_count) OVER (PARTITION BY movie_id ORDER BY window_start) AS before_vote_count
    FROM lasts
)
SELECT
    movie_id, window_start, event_time, vote_average_e4, popularity_e4, vote_count,
    before_vote_average_e4, before_popularity_e4, before_vote_count,
    -- Hours since the previous window; null where there is none near enough, which makes every velocity null.
    CASE WHEN window_start - before_start <= ${lookback_ms} THEN CAST(window_start - before_start AS DOUBLE) / 36e5 END AS hours
FROM befores
