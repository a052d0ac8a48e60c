-- Remove the rows of deleted candidates from tables that a target only appends to
-- (PostgreSQL, DuckDB; Snowflake and BigQuery, where it was never run).
--
-- Such tables keep every version of a row. Of candidates whose last event in
-- candidate_history is deleted, only the tombstones stay. Run it after each load; then
-- run forget_history.sql. Remove the tables you don't load.

DELETE FROM candidates
WHERE
    _sdc_deleted_at IS NULL
    AND id IN (
        SELECT candidate_id
        FROM candidate_history
        GROUP BY candidate_id
        HAVING max(CASE WHEN event = 'deleted' THEN observed_at END) = max(observed_at)
    );

DELETE FROM candidate_details
WHERE
    _sdc_deleted_at IS NULL
    AND id IN (
        SELECT candidate_id
        FROM candidate_history
        GROUP BY candidate_id
        HAVING max(CASE WHEN event = 'deleted' THEN observed_at END) = max(observed_at)
    );

DELETE FROM candidate_answers
WHERE
    _sdc_deleted_at IS NULL
    AND candidate_id IN (
        SELECT candidate_id
        FROM candidate_history
        GROUP BY candidate_id
        HAVING max(CASE WHEN event = 'deleted' THEN observed_at END) = max(observed_at)
    );
