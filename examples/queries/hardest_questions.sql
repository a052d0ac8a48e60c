-- Which questions are the hardest?
--
-- One row per question, the hardest first. Difficulty is measured by
-- points_percent: the points earned, in percent of the points that could be
-- earned in graded answers. A question left unanswered earned none.
-- correct_percent is null for questions without options.
-- Questions shown fewer than 5 times say little: raise or lower the 5 below. The
-- verdict says whether a question separates strong from weak candidates.
--
-- Queries the models of analytics/dbt/: SET search_path TO toggl_hire_marts.

SELECT
    question_id,
    skill,
    question_type,
    question,
    shown,
    answered,
    round(100 * points_earned / points_possible, 1) AS points_percent,
    round(100.0 * correct / nullif(checked, 0), 1) AS correct_percent,
    verdict
FROM toggl_hire__questions
WHERE points_possible > 0
  AND shown >= 5
ORDER BY points_percent, shown DESC, question_id;
