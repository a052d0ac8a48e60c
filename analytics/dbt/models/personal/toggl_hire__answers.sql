{{ config(grants=grants('toggl_hire_personal_readers')) }}
with options as (
    select
        choice_id,
        {{ joined('case when is_chosen then content end', 'chr(10)', 'place') }} as chosen,
        {{ joined('case when is_correct then content end', 'chr(10)', 'place') }} as expected
    from {{ ref('int_toggl_hire__options') }}
    group by choice_id
),

answers as (
    select
        *,
        case
            when {{ json_list_text('options') }} is not null
                then {{ choice_id(json_list_text('options'), json_list_text('chosen_option_ids')) }}
        end as choice_id
    from {{ ref('stg_toggl_hire__candidate_answers') }}
    where deleted_at is null
),

graded as (
    select
        answers.*,
        not coalesce(answered, true)
        {%- if var('toggl_hire_ungraded') == 'zero' %}
        or points <> 0 or (points = 0 and (choice_id is not null or correct is not null))
        {%- else %}
        or points is not null
        {%- endif %} as is_known
    from answers
)

select
    graded.workspace,
    graded.candidate_id,
    graded.position,
    graded.job_opening_id,
    graded.question_id,
    graded.question_type,
    graded.skill,
    graded.question,
    graded.question_points,
    graded.answered,
    coalesce(graded.text_answer, options.chosen) as answer,
    options.expected,
    graded.points,
    coalesce(graded.is_known, false) as is_graded,
    case when graded.is_known then coalesce(graded.points, 0) end as points_earned,
    graded.correct,
    candidates.finished_at,
    graded.choice_id
from graded
left join options
    on options.choice_id = graded.choice_id
left join {{ ref('int_toggl_hire__candidates') }} as candidates
    on candidates.workspace = graded.workspace and candidates.candidate_id = graded.candidate_id
where candidates.deleted_at is null
