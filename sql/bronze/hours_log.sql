-- The hours of arrival of what waits to be stored.
SELECT DISTINCT floor_to(append_time, 3600000) AS hour FROM incoming ORDER BY hour
