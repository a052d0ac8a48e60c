-- What did one candidate answer? All answers, in the order of the test.
--
-- Replace 100 by the candidate's ID. answer is the text that the candidate wrote, or the
-- chosen options; expected lists the correct options. Both may be null.
--
-- Queries the models of analytics/dbt/: SET search_path TO toggl_hire_marts_personal.

SELECT
    position + 1 AS number,
    skill,
    question,
    answer,
    expected,
    points,
    question_points AS out_of,
    correct
FROM toggl_hire__answers
WHERE candidate_id = '100'
ORDER BY position;
