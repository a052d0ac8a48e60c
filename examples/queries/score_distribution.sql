-- How are the scores distributed, opening by opening?
--
-- One row per job opening: how many candidates have a score, the lowest, the
-- quartiles, the highest, and how many candidates lie in each band of 20 percent.
-- The last band includes 100.
--
-- Queries the models of analytics/dbt/: SET search_path TO toggl_hire_marts.

SELECT
    job_opening_id,
    job_opening,
    scored AS scored_candidates,
    round(lowest_score, 1) AS lowest,
    round(lower_quartile_score, 1) AS lower_quartile,
    round(median_score, 1) AS median,
    round(upper_quartile_score, 1) AS upper_quartile,
    round(highest_score, 1) AS highest,
    scored_below_20 AS below_20,
    scored_from_20 AS from_20,
    scored_from_40 AS from_40,
    scored_from_60 AS from_60,
    scored_from_80 AS from_80
FROM toggl_hire__openings
WHERE scored > 0
ORDER BY scored_candidates DESC, job_opening_id;
