-- How far do candidates get, step by step?
--
-- One row per job opening and category (a step of the pipeline), in the order of steps:
-- reached    candidates whose furthest observed step is this one or a later one;
-- advanced   of these, candidates observed beyond it;
-- rejected, waiting, erased   what became of the others.
-- The API does not return the order of the steps: position is estimated.
-- Counts begin with the first run: what happened before is unknown.
--
-- Queries the models of analytics/dbt/: SET search_path TO toggl_hire_marts.

SELECT
    job_opening_id,
    job_opening,
    category_id,
    category,
    sum(reached) AS reached,
    sum(advanced) AS advanced,
    round(100.0 * sum(advanced) / nullif(sum(reached), 0), 1) AS advanced_percent,
    sum(rejected) AS rejected,
    sum(waiting) AS waiting,
    sum(erased) AS erased
FROM toggl_hire__funnel
GROUP BY workspace, job_opening_id, job_opening, category_id, category, position
ORDER BY job_opening_id, position;
