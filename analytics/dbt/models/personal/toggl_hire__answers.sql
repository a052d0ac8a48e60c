{{ config(grants=grants('toggl_hire_personal_readers'), post_hook='{{ toggl_hire.analyze() }}') }}
with options as (
    select
        choice_id,
        {{ joined('case when is_chosen then content end', 'chr(10)', 'place') }} as chosen,
        {{ joined('case when is_correct then content end', 'chr(10)', 'place') }} as expected
    from {{ ref('int_toggl_hire__options') }}
    group by choice_id
),

choices as (
    select choices.options, choices.chosen_option_ids, options.*
    from {{ ref('int_toggl_hire__choices') }} as choices
    inner join options
        on options.choice_id = choices.choice_id
),

answers as (
    select
        answers.*,
        choices.choice_id,
        choices.chosen,
        choices.expected,
        candidates.finished_at
    from {{ ref('stg_toggl_hire__candidate_answers') }} as answers
    left join {{ ref('int_toggl_hire__candidates') }} as candidates
        on candidates.workspace = answers.workspace and candidates.candidate_id = answers.candidate_id
    left join choices
        on choices.options = {{ json_list('answers.options') }}
        and choices.chosen_option_ids = {{ json_list('answers.chosen_option_ids') }}
    where answers.deleted_at is null and candidates.deleted_at is null
),

graded as (
    select
        *,
        not coalesce(answered, true)
        {%- if var('toggl_hire_ungraded') == 'zero' %}
        or points <> 0 or (points = 0 and (choice_id is not null or correct is not null))
        {%- else %}
        or points is not null
        {%- endif %} as is_known
    from answers
)

select
    workspace,
    candidate_id,
    position,
    job_opening_id,
    question_id,
    question_type,
    skill,
    question,
    question_points,
    answered,
    coalesce(text_answer, chosen) as answer,
    expected,
    points,
    coalesce(is_known, false) as is_graded,
    case when is_known then coalesce(points, 0) end as points_earned,
    correct,
    finished_at,
    choice_id
from graded
