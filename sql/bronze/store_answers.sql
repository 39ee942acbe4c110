-- One partition of TMDB's answers, in the order in which they were spooled.
SELECT * FROM incoming
WHERE extraction_timestamp >= ${from_ms} AND extraction_timestamp < ${to_ms}
