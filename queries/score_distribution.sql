-- How are the scores distributed, opening by opening?
--
-- One row per job opening: how many candidates have a score, the lowest, the
-- quartiles, the highest, and how many candidates lie in each band of 20 percent.
-- The last band includes 100.

SELECT
    candidates.job_opening_id,
    job_openings.name AS job_opening,
    count(*) AS scored_candidates,
    round(min(candidates.score), 1) AS lowest,
    round((percentile_cont(0.25) WITHIN GROUP (ORDER BY candidates.score))::numeric, 1) AS lower_quartile,
    round((percentile_cont(0.50) WITHIN GROUP (ORDER BY candidates.score))::numeric, 1) AS median,
    round((percentile_cont(0.75) WITHIN GROUP (ORDER BY candidates.score))::numeric, 1) AS upper_quartile,
    round(max(candidates.score), 1) AS highest,
    count(*) FILTER (WHERE candidates.score < 20) AS below_20,
    count(*) FILTER (WHERE candidates.score >= 20 AND candidates.score < 40) AS from_20,
    count(*) FILTER (WHERE candidates.score >= 40 AND candidates.score < 60) AS from_40,
    count(*) FILTER (WHERE candidates.score >= 60 AND candidates.score < 80) AS from_60,
    count(*) FILTER (WHERE candidates.score >= 80) AS from_80
FROM candidates
LEFT JOIN job_openings ON job_openings.id = candidates.job_opening_id
WHERE candidates._sdc_deleted_at IS NULL
  AND candidates.score IS NOT NULL
GROUP BY candidates.job_opening_id, job_openings.name
ORDER BY scored_candidates DESC, candidates.job_opening_id;
