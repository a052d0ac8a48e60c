-- How far do candidates get, step by step?
--
-- One row per job opening and category (a step of the pipeline), in the order of steps:
-- reached    candidates whose furthest observed step is this one or a later one;
-- advanced   of these, candidates observed beyond it;
-- rejected, waiting, erased   what became of the others.
-- The API does not return the order of the steps; toggl_hire__stage_order estimates it.
-- Counts begin with the first run: what happened before is unknown.
--
-- Queries the models of analytics/dbt/: SET search_path TO toggl_hire_marts.

SELECT
    funnel.job_opening_id,
    funnel.job_opening,
    funnel.category_id,
    funnel.category,
    sum(funnel.reached) AS reached,
    sum(funnel.advanced) AS advanced,
    round(100.0 * sum(funnel.advanced) / nullif(sum(funnel.reached), 0), 1) AS advanced_percent,
    sum(funnel.rejected) AS rejected,
    sum(funnel.waiting) AS waiting,
    sum(funnel.erased) AS erased
FROM toggl_hire__funnel AS funnel
JOIN toggl_hire__stage_order AS stage
    ON stage.workspace = funnel.workspace
    AND stage.job_opening_id = funnel.job_opening_id
    AND stage.category_id IS NOT DISTINCT FROM funnel.category_id
GROUP BY
    funnel.workspace, funnel.job_opening_id, funnel.job_opening,
    funnel.category_id, funnel.category, stage.position
ORDER BY funnel.job_opening_id, stage.position;
