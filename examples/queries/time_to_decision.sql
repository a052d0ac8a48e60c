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
--
-- Asks the models of analytics/dbt/: SET search_path TO toggl_hire_marts.

SELECT
    job_opening_id,
    job_opening,
    candidates,
    decided,
    decided_before,
    waiting,
    round(average_days_to_decision, 1) AS average_days,
    round(median_days_to_decision, 1) AS median_days,
    round(slowest_tenth_days_to_decision, 1) AS slowest_tenth_days
FROM openings_enhanced
WHERE candidates > 0
ORDER BY candidates DESC, job_opening_id;
