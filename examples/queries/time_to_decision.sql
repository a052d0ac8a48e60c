-- How long does a candidate wait for a decision?
--
-- A decision is the first hire state, or move to another category, that the tap observed.
-- The wait runs from finished_at, the submission of the test. Candidates who still wait
-- are part of the estimate, and those who were waiting before the first run count from
-- then on (Kaplan and Meier, with delayed entry). decided_before is not part of it: when
-- those decisions were made is not known.
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
