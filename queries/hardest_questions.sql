-- Which questions are the hardest?
--
-- One row per question, the hardest first. Difficulty is measured by
-- points_percent: the points earned, in percent of the points that could be
-- earned. A question left unanswered earned none. A text or code answer that
-- nobody has graded yet counts with the points that the API gives it so far.
-- correct_percent is null for questions without options.
-- Questions shown fewer than 5 times say little: raise or lower the 5 below.

SELECT
    question_id,
    min(skill) AS skill,
    min(question_type) AS question_type,
    min(question) AS question,
    count(*) AS shown,
    count(*) FILTER (WHERE answered) AS answered,
    round(100 * sum(coalesce(points, 0)) / sum(question_points), 1) AS points_percent,
    round(100.0 * count(*) FILTER (WHERE correct) / nullif(count(correct), 0), 1) AS correct_percent
FROM candidate_answers
WHERE _sdc_deleted_at IS NULL
  AND question_points > 0
GROUP BY question_id
HAVING count(*) >= 5
ORDER BY points_percent, shown DESC, question_id;
