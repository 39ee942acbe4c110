-- silver/hours_sentiment: per movie and 5-minute window the sentiment of its reviews (docs/semantics.md, "Sentiment"). The
-- speed layer's review_sentiments, computed from the archive. Of a review the highest used version counts: each used
-- version is above those at lower offsets, so it is the last one. Older rows as in hours_stats. Older rows as in hours_stats.
WITH versions AS (
    SELECT
        movie_id, window_start, content,
        row_number() OVER (PARTITION BY log_partition, review_id, movie_id, event_time ORDER BY log_offset DESC) AS place
    FROM judged_reviews
    WHERE class = 'used' AND event_time >= ${input_from_ms} AND event_time < ${input_to_ms}
),
scored AS (
    SELECT movie_id, window_start, CAST(vader_compound_e4(content) AS BIGINT) AS compound_e4
    FROM versions
    WHERE place = 1
),
windows AS (
    SELECT
        movie_id, window_start,
        CAST(sum(compound_e4) AS BIGINT) AS sentiment_sum_e4,
        count(*) AS review_count,
        sum(CASE WHEN compound_e4 >= 500 THEN 1 ELSE 0 END) AS positive_count,
        sum(CASE WHEN compound_e4 <= -500 THEN 1 ELSE 0 END) AS negative_count
    FROM scored
    GROUP BY movie_id, window_start
),
averages AS (
    SELECT *, CAST(sentiment_sum_e4 AS DOUBLE) / CAST(review_count AS DOUBLE) / 1e4 AS avg_sentiment
    FROM windows
),
befores AS (
    SELECT
        *,
        lag(window_start) OVER (PARTITION BY movie_id ORDER BY window_start) AS before_start,
        lag(avg_sentiment) OVER (PARTITION BY movie_id ORDER BY window_start) AS before_sentiment
    FROM averages
),
hours AS (
    SELECT
        movie_id,
        floor_to(window_start, 3600000) AS hour,
        window_start,
        window_start + ${window_ms} AS window_end,
        avg_sentiment,
        sentiment_sum_e4,
        CAST(review_count AS INT) AS review_count,
        CAST(positive_count AS INT) AS positive_count,
        CAST(negative_count AS INT) AS negative_count,
        CAST(review_count - positive_count - negative_count AS INT) AS neutral_count,
        CASE
            WHEN window_start - before_start <= ${lookback_ms}
            THEN (avg_sentiment - before_sentiment) / (CAST(window_start - before_start AS DOUBLE) / 36e5)
        END AS sentiment_velocity
    FROM befores
    WHERE floor_to(window_start, 3600000) >= ${exact_from_ms}
    UNION ALL
    SELECT
        movie_id, hour, window_start, window_end, avg_sentiment, sentiment_sum_e4, review_count, positive_count,
        negative_count, neutral_count, sentiment_velocity
    FROM hours_sentiment_before
    WHERE hour < ${exact_from_ms}
)
SELECT
    movie_id, hour, window_start, window_end, avg_sentiment, sentiment_sum_e4, review_count, positive_count,
    negative_count, neutral_count, sentiment_velocity
FROM hours
WHERE hour >= ${from_ms} AND hour < ${to_ms}
ORDER BY movie_id, window_start
