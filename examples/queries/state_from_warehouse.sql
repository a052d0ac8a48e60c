-- Make a state for the tap from the warehouse (PostgreSQL, DuckDB).
--
-- Prints one line of JSON with the candidates that the tables hold and the number of
-- answer rows of each. A run with this state reads everything again, asks for each of
-- these candidates that the list lacks, and emits tombstones for those that the API no
-- longer has. Use it when the state was lost: docs/guarantees.md has the commands.
--
-- Rows that ACTIVATE_VERSION marked as deleted still hold data and are included;
-- tombstones, which have no job opening, are not. Candidates whose rows were removed
-- (hard_delete) are known from candidate_history. Remove the tables you don't load.
--
-- Other engines, where it was never run, need other words:
--
--   PostgreSQL, DuckDB   Snowflake                  BigQuery
--   to_json(id)::text    to_json(to_variant(id))    to_json_string(id)
--   answers::text        answers::text              cast(answers AS string)
--   string_agg           listagg                    string_agg

WITH held AS (
    SELECT id, 0 AS answers
    FROM candidates
    WHERE _sdc_deleted_at IS NULL OR job_opening_id IS NOT NULL
    UNION ALL
    SELECT id, 0
    FROM candidate_details
    WHERE _sdc_deleted_at IS NULL OR job_opening_id IS NOT NULL
    UNION ALL
    SELECT candidate_id, position + 1
    FROM candidate_answers
    WHERE _sdc_deleted_at IS NULL OR job_opening_id IS NOT NULL
    UNION ALL
    SELECT candidate_id, 0
    FROM candidate_history
    GROUP BY candidate_id
    HAVING NOT coalesce(
        max(CASE WHEN event = 'deleted' THEN observed_at END) = max(observed_at), FALSE
    )
),
candidate AS (
    SELECT id, max(answers) AS answers
    FROM held
    GROUP BY id
)
SELECT
    '{"tap_toggl_hire": {"format": 3, "held": ['
    || coalesce(string_agg('[' || to_json(id)::text || ', ' || answers::text || ']', ', '), '')
    || ']}}'
FROM candidate;
