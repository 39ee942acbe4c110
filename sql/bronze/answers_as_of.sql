-- TMDB's answers that were there at ${as_of_ms}.
SELECT * FROM archived
WHERE extraction_timestamp <= ${as_of_ms}
