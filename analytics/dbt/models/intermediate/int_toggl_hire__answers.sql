{%- set option = "coalesce(option_id, '') || ' ' || case when is_correct then '1' else '0' end || ' ' || coalesce(content, '')" %}
with shown as (
    select
        choice_id,
        -- Another order is no other version.
        {{ dbt.hash(joined(option, "\n", 'option_id, place')) }} as options_id
    from {{ ref('int_toggl_hire__options') }}
    group by choice_id
),

choices as (
    select choices.*, shown.options_id
    from {{ ref('int_toggl_hire__choices') }} as choices
    left join shown
        on shown.choice_id = choices.choice_id
),

answers as (
    select
        answers.*,
        choices.choice_id,
        choices.options_id,
        candidates.finished_at
    from {{ ref('stg_toggl_hire__candidate_answers') }} as answers
    left join {{ ref('int_toggl_hire__candidates') }} as candidates
        on candidates.workspace = answers.workspace and candidates.candidate_id = answers.candidate_id
    left join choices
        on choices.options = answers.options and choices.chosen_option_ids = answers.chosen_option_ids
    where answers.deleted_at is null and candidates.deleted_at is null and not coalesce(candidates.is_excluded, false)
        -- The row of a question that is null has its key and opening alone.
        and coalesce(answers.question_id, answers.question, answers.question_type) is not null
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
    text_answer,
    points,
    coalesce(is_known, false) as is_graded,
    case when is_known then coalesce(points, 0) end as points_earned,
    correct,
    finished_at,
    choice_id,
    {{ row_id(['question', 'options_id']) }} as version_id,
    row_id
from graded
