-- titles: a movie's last metadata: of the used records the one with the highest (event time, offset).
SELECT movie_id, title
FROM (
    SELECT movie_id, title, row_number() OVER (PARTITION BY movie_id ORDER BY event_time DESC, log_offset DESC) AS place
    FROM judged_metadata
    WHERE class = 'used'
) AS placed
WHERE place = 1
