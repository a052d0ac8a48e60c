-- What did one candidate answer? All on one page, in the order of the test.
--
-- Put the candidate's id in the first line of the query.
-- answer is the text that the candidate wrote, or the options that they chose;
-- expected lists the correct options. Both are null where there is nothing.

WITH chosen_candidate AS (SELECT '100' AS id)

SELECT
    candidate_answers.position + 1 AS number,
    candidate_answers.skill,
    candidate_answers.question,
    coalesce(candidate_answers.text_answer, choices.chosen) AS answer,
    choices.expected,
    candidate_answers.points,
    candidate_answers.question_points AS out_of,
    candidate_answers.correct
FROM candidate_answers
JOIN chosen_candidate ON chosen_candidate.id = candidate_answers.candidate_id
CROSS JOIN LATERAL (
    SELECT
        string_agg(option ->> 'content', E'\n' ORDER BY place)
            FILTER (WHERE option ->> 'id' = ANY (candidate_answers.chosen_option_ids)) AS chosen,
        string_agg(option ->> 'content', E'\n' ORDER BY place)
            FILTER (WHERE (option ->> 'correct')::boolean) AS expected
    FROM unnest(candidate_answers.options) WITH ORDINALITY AS options (option, place)
) AS choices
WHERE candidate_answers._sdc_deleted_at IS NULL
ORDER BY candidate_answers.position;
