-- Which questions are the hardest?
--
-- One row per question, the hardest first. points_percent is the share of points earned
-- in graded answers; an unanswered question earned none of its points. Answers that wait
-- for a grader do not count. Questions with fewer than 5 graded answers are left out;
-- change the 5 below. toggl_hire__questions also says whether a question separates
-- strong from weak candidates.
--
-- Queries the models of analytics/dbt/: SET search_path TO toggl_hire_marts.

SELECT
    question_id,
    skill,
    question_type,
    question,
    shown,
    graded,
    ungraded,
    round(CAST(100 * facility AS numeric), 1) AS points_percent
FROM toggl_hire__questions
WHERE facility IS NOT NULL
  AND graded >= 5
ORDER BY points_percent, shown DESC, question_id;
