-- How long does a candidate wait for a decision?
--
-- A decision is the first change that the tap observed in a candidate's
-- hire_state (set to anything but the empty string) or category (a move to none is
-- no decision: the category may have been deleted). The wait runs from finished_at,
-- the submission of the test.
--
-- The API keeps no history, so the answer has the precision of the schedule:
-- a change counts from the run that observed it. A candidate who had a hire_state
-- when the tap first saw them was decided at an unknown time before. They are
-- counted as decided_before and are not part of the averages.

WITH observed AS (
    SELECT
        candidate_id,
        observed_at,
        coalesce(hire_state, '') AS hire_state,
        category_id,
        lag(category_id) OVER history AS category_id_before,
        row_number() OVER history AS n
    FROM candidate_history
    WHERE event <> 'deleted'
    WINDOW history AS (PARTITION BY candidate_id ORDER BY observed_at)
),
decisions AS (
    SELECT
        candidate_id,
        bool_or(n = 1 AND hire_state <> '') AS decided_before,
        min(observed_at) FILTER (
            WHERE n > 1 AND (hire_state <> '' OR category_id <> coalesce(category_id_before, ''))
        ) AS decided_at
    FROM observed
    GROUP BY candidate_id
),
waits AS (
    SELECT
        candidates.job_opening_id,
        coalesce(decisions.decided_before, false) AS decided_before,
        decisions.decided_at IS NOT NULL AND NOT decisions.decided_before AS decided,
        CASE WHEN NOT decisions.decided_before
            THEN extract(epoch FROM decisions.decided_at - candidates.finished_at) / 86400
        END AS days
    FROM candidates
    LEFT JOIN decisions ON decisions.candidate_id = candidates.id
    WHERE candidates._sdc_deleted_at IS NULL
)
SELECT
    waits.job_opening_id,
    job_openings.name AS job_opening,
    count(*) AS candidates,
    count(*) FILTER (WHERE waits.decided) AS decided,
    count(*) FILTER (WHERE waits.decided_before) AS decided_before,
    count(*) FILTER (WHERE waits.decided IS NOT TRUE AND NOT waits.decided_before) AS waiting,
    round(avg(waits.days), 1) AS average_days,
    round((percentile_cont(0.5) WITHIN GROUP (ORDER BY waits.days))::numeric, 1) AS median_days,
    round((percentile_cont(0.9) WITHIN GROUP (ORDER BY waits.days))::numeric, 1) AS slowest_tenth_days
FROM waits
LEFT JOIN job_openings ON job_openings.id = waits.job_opening_id
GROUP BY waits.job_opening_id, job_openings.name
ORDER BY candidates DESC, waits.job_opening_id;
