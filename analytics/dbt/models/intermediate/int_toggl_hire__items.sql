select
    answers.workspace,
    answers.question_id,
    min(answers.question_type) as question_type,
    min(answers.skill) as skill,
    min(answers.question) as question,
    min(versions.changed_at) as changed_at,
    count(*) as shown,
    sum(case when answered then 1 else 0 end) as answered,
    count(correct) as checked,
    sum(case when correct then 1 else 0 end) as correct,
    sum(case when is_graded then 1 else 0 end) as graded,
    sum(points_earned) as points_earned,
    sum(case when is_graded then question_points end) as points_possible,
    {{ ratio('sum(points_earned)', 'sum(case when is_graded then question_points end)') }} as facility,
    {{ row_id(['answers.workspace', 'answers.question_id']) }} as row_id
from {{ ref('int_toggl_hire__answers') }} as answers
inner join {{ ref('int_toggl_hire__versions') }} as versions
    on versions.workspace = answers.workspace
    and versions.question_id = answers.question_id
    and versions.version_id = answers.version_id
group by answers.workspace, answers.question_id
