-- Used records per hour, topic and partition, of the hours that the speed layer holds.
SELECT hour, topic, log_partition, used_records
FROM used_counts
WHERE hour >= ${held_from_ms}
