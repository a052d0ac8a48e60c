-- How far do candidates come, step by step?
--
-- One row per job opening and category, in the order of the steps:
-- reached    candidates whose furthest observed step is this one or a later one;
-- advanced   those whose furthest step is a later one;
-- rejected, waiting, erased   the others: what became of them here.
-- The order of the steps is estimated: docs/answers.md.
--
-- Queries the models of analytics/dbt/: SET search_path TO toggl_hire_marts.

SELECT
    job_opening_id,
    job_opening,
    position,
    category_id,
    category,
    sum(reached) AS reached,
    sum(advanced) AS advanced,
    round(100.0 * sum(advanced) / nullif(sum(reached), 0), 1) AS advanced_percent,
    sum(rejected) AS rejected,
    sum(waiting) AS waiting,
    sum(erased) AS erased
FROM toggl_hire__funnel
GROUP BY workspace, job_opening_id, job_opening, position, category_id, category
ORDER BY job_opening_id, position;
