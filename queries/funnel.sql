-- How far do candidates come, category by category?
--
-- One row per job opening and category (a step of the pipeline):
-- reached    candidates who are in the category now or were when a run looked;
-- now        candidates who are in it now;
-- rejected   candidates who are in it now and are rejected.
-- The row without a category stands for candidates that are in none.
-- The API does not tell the order of the categories, so the fullest comes first.
-- Reached counts from the first run on: what happened before is not known.

WITH places AS (
    SELECT id AS candidate_id, job_opening_id, category_id
    FROM candidates
    WHERE _sdc_deleted_at IS NULL
    UNION -- not UNION ALL: a candidate counts once in each category
    SELECT candidate_history.candidate_id, candidate_history.job_opening_id, candidate_history.category_id
    FROM candidate_history
    JOIN candidates ON candidates.id = candidate_history.candidate_id
    WHERE candidate_history.event <> 'deleted'
      AND candidates._sdc_deleted_at IS NULL
)
SELECT
    places.job_opening_id,
    job_openings.name AS job_opening,
    places.category_id,
    categories.name AS category,
    count(*) AS reached,
    round(100.0 * count(*) / max(openings.candidates), 1) AS reached_percent,
    count(*) FILTER (WHERE candidates.category_id IS NOT DISTINCT FROM places.category_id) AS now,
    count(*) FILTER (
        WHERE candidates.category_id IS NOT DISTINCT FROM places.category_id
          AND candidates.hire_state = 'rejected'
    ) AS rejected
FROM places
JOIN candidates ON candidates.id = places.candidate_id
JOIN (
    SELECT job_opening_id, count(*) AS candidates
    FROM candidates
    WHERE _sdc_deleted_at IS NULL
    GROUP BY job_opening_id
) AS openings ON openings.job_opening_id IS NOT DISTINCT FROM places.job_opening_id
LEFT JOIN job_openings ON job_openings.id = places.job_opening_id
LEFT JOIN categories ON categories.id = places.category_id
GROUP BY places.job_opening_id, job_openings.name, places.category_id, categories.name
ORDER BY places.job_opening_id, reached DESC, places.category_id;
