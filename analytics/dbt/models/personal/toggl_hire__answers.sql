with options as (
    select
        workspace,
        candidate_id,
        position,
        string_agg(case when is_chosen then content end, chr(10) order by place) as chosen,
        string_agg(case when is_correct then content end, chr(10) order by place) as expected
    from {{ ref('int_toggl_hire__options') }}
    group by workspace, candidate_id, position
)

select
    answers.workspace,
    answers.candidate_id,
    answers.position,
    answers.job_opening_id,
    answers.question_id,
    answers.question_type,
    answers.skill,
    answers.question,
    answers.question_points,
    answers.answered,
    coalesce(answers.text_answer, options.chosen) as answer,
    options.expected,
    answers.points,
    answers.correct
from {{ ref('int_toggl_hire__answers') }} as answers
left join options
    on options.workspace = answers.workspace
    and options.candidate_id = answers.candidate_id
    and options.position = answers.position
