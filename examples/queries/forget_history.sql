-- Forget what candidate_history holds of deleted candidates (PostgreSQL, DuckDB; Snowflake
-- and BigQuery, where it was never run).
--
-- Sets score, points, rating, hire_state and tag_ids to null in all rows of candidates
-- whose last event is deleted. Event, time, ID, opening and category stay, so that past
-- months can still be counted. Run it after each load: the next time, it changes nothing.
-- docs/privacy.md has the commands, and the same as an operation of dbt.
--
-- If you don't load one of these columns, remove it from both lists.

UPDATE candidate_history
SET
    score = NULL,
    points = NULL,
    rating = NULL,
    hire_state = NULL,
    tag_ids = NULL
WHERE
    candidate_id IN (
        SELECT candidate_id
        FROM candidate_history
        GROUP BY candidate_id
        HAVING max(CASE WHEN event = 'deleted' THEN observed_at END) = max(observed_at)
    )
    AND NOT (
        score IS NULL
        AND points IS NULL
        AND rating IS NULL
        AND hire_state IS NULL
        AND tag_ids IS NULL
    );
