{{ config(grants=grants('toggl_hire_personal_readers')) }}
with choices as (
    select
        choice_id,
        {{ joined('case when is_chosen then content end', "\n", 'place') }} as chosen,
        {{ joined('case when is_correct then content end', "\n", 'place') }} as expected
    from {{ ref('int_toggl_hire__options') }}
    group by choice_id
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
    coalesce(answers.text_answer, choices.chosen) as answer,
    choices.expected,
    answers.points,
    answers.is_graded,
    answers.points_earned,
    answers.correct,
    answers.finished_at,
    answers.row_id
from {{ ref('int_toggl_hire__answers') }} as answers
left join choices
    on choices.choice_id = answers.choice_id
