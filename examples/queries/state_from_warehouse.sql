-- A state for the tap, made from the warehouse; for PostgreSQL and DuckDB.
--
-- Prints one line of JSON: the candidates that the tables hold, and how many rows of
-- answers of each. A run with it reads everything again, asks for each of them that no
-- list shows, and sends a tombstone for each that the API no longer knows. It is for
-- when the state was lost: docs/guarantees.md says how to use it.
--
-- A row that ACTIVATE_VERSION marked as deleted still has its data: it counts as held,
-- a tombstone (which has no job opening) does not. Leave out tables that you don't load.

WITH held AS (
    SELECT id, 0 AS answers
    FROM candidates
    WHERE _sdc_deleted_at IS NULL OR job_opening_id IS NOT NULL
    UNION ALL
    SELECT id, 0
    FROM candidate_details
    WHERE _sdc_deleted_at IS NULL OR job_opening_id IS NOT NULL
    UNION ALL
    SELECT candidate_id, "position" + 1
    FROM candidate_answers
    WHERE _sdc_deleted_at IS NULL OR job_opening_id IS NOT NULL
),
candidate AS (
    SELECT id, max(answers) AS answers
    FROM held
    GROUP BY id
)
SELECT
    '{"bookmarks": {"candidates": {"digests": {"format": 2, "held": ['
    || coalesce(string_agg('[' || to_json(id)::text || ', ' || answers::text || ']', ', '), '')
    || ']}}}}'
FROM candidate;
