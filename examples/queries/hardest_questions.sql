-- Which questions are the hardest?
--
-- One row per question, the hardest first. Difficulty is measured by
-- points_percent: the points earned, in percent of the points that could be
-- earned. A question left unanswered earned none. A text or code answer that
-- nobody has graded yet counts with the points that the API gives it so far.
-- correct_percent is null for questions without options.
-- Questions shown fewer than 5 times say little: raise or lower the 5 below. question_analysis has
-- more: whether a question tells good candidates from others.
--
-- Asks the models of analytics/dbt/: SET search_path TO toggl_hire_marts.

SELECT
    question_id,
    skill,
    question_type,
    question,
    shown,
    answered,
    round(100 * points_earned / points_possible, 1) AS points_percent,
    round(100.0 * correct / nullif(checked, 0), 1) AS correct_percent
FROM question_analysis
WHERE points_possible > 0
  AND shown >= 5
ORDER BY points_percent, shown DESC, question_id;
