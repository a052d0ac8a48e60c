-- What did one candidate answer? All on one page, in the order of the test.
--
-- Put the candidate's id in place of 100.
-- answer is the text that the candidate wrote, or the options that they chose;
-- expected lists the correct options. Both are null where there is nothing.
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
