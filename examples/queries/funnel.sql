-- How far do candidates come, category by category?
--
-- One row per job opening and category (a step of the pipeline):
-- reached    candidates who are in the category now or were when a run looked;
-- now        candidates who are in it now;
-- rejected   candidates who are in it now and are rejected.
-- The row without a category stands for candidates that are in none.
-- The API does not tell the order of the categories, so the fullest comes first.
-- Reached counts from the first run on: what happened before is not known.
--
-- Asks the models of analytics/dbt/: SET search_path TO toggl_hire_marts.

SELECT
    funnel.job_opening_id,
    funnel.job_opening,
    funnel.category_id,
    funnel.category,
    sum(funnel.reached) AS reached,
    round(100 * sum(funnel.reached) / max(openings.candidates), 1) AS reached_percent,
    sum(funnel.dropped + funnel.still_here) AS now,
    sum(funnel.dropped) AS rejected
FROM funnel
JOIN openings_enhanced AS openings
    ON openings.workspace = funnel.workspace
    AND openings.job_opening_id IS NOT DISTINCT FROM funnel.job_opening_id
GROUP BY funnel.workspace, funnel.job_opening_id, funnel.job_opening, funnel.category_id, funnel.category
ORDER BY funnel.job_opening_id, reached DESC, funnel.category_id;
