select
    workspace,
    question_id,
    min(question_type) as question_type,
    min(skill) as skill,
    min(question) as question,
    count(*) as shown,
    sum(case when answered then 1 else 0 end) as answered,
    count(correct) as checked,
    sum(case when correct then 1 else 0 end) as correct,
    sum(case when is_graded then 1 else 0 end) as graded,
    sum(points_earned) as points_earned,
    sum(case when is_graded then question_points end) as points_possible,
    {{ ratio('sum(points_earned)', 'sum(case when is_graded then question_points end)') }} as facility,
    {{ row_id(['workspace', 'question_id']) }} as row_id
from {{ ref('int_toggl_hire__answers') }}
where question_id is not null
group by workspace, question_id
