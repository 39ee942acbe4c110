-- Used ratings per hour and partition, of the hours that the speed layer holds.
SELECT hour, log_partition, used_records
FROM used_counts
WHERE topic = 'movie.ratings' AND hour >= ${held_from_ms}
