-- One partition of bronze/exports.
SELECT * FROM incoming
WHERE day >= ${from_ms} AND day < ${to_ms}
ORDER BY day, movie_id, generation
