-- One partition of TMDB's answers.
SELECT * FROM incoming
WHERE extraction_timestamp >= ${from_ms} AND extraction_timestamp < ${to_ms}
ORDER BY movie_id, extraction_timestamp, api_endpoint, raw_json
