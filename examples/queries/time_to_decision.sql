-- How long do candidates wait for the first decision, and how many wait now?
--
-- A decision is the first observed change of a candidate's hire_state (to anything but
-- the empty string) or category (a move to none does not count: the category may have
-- been deleted). The wait begins at finished_at, when the test was submitted.
--
-- Those who are neither rejected nor a possible hire now are counted as waiting, also
-- after a first decision: they wait for the next one.
--
-- The API keeps no history, so a change has the time of the run that observed it.
-- Candidates that had been decided before their first observation are counted as
-- decided_before and are not part of the durations.
--
-- Queries the models of analytics/dbt/: SET search_path TO toggl_hire_marts.

SELECT
    job_opening_id,
    job_opening,
    candidates,
    decided,
    decided_before,
    waiting,
    round(median_days_to_decision, 1) AS median_days,
    round(slowest_tenth_days_to_decision, 1) AS slowest_tenth_days
FROM toggl_hire__openings
WHERE candidates > 0
ORDER BY candidates DESC, job_opening_id;
