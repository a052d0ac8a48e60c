-- One row per option that a candidate was shown, and whether the candidate chose it.
with answers as (
    select * from {{ ref('int_toggl_hire__answers') }}
),

chosen as (
    select distinct
        answers.workspace,
        answers.candidate_id,
        answers.position,
        {{ json_text('items.value') }} as option_id
    from answers
    cross join lateral {{ json_items('answers.chosen_option_ids') }} as items
),

shown as (
    select
        answers.workspace,
        answers.candidate_id,
        answers.position,
        answers.question_id,
        items.place,
        {{ json_text('items.value', 'id') }} as option_id,
        {{ json_text('items.value', 'content') }} as content,
        {{ json_text('items.value', 'correct') }} = 'true' as is_correct
    from answers
    cross join lateral {{ json_items('answers.options') }} as items
)

select
    shown.*,
    chosen.option_id is not null as is_chosen
from shown
left join chosen
    on chosen.workspace = shown.workspace
    and chosen.candidate_id = shown.candidate_id
    and chosen.position = shown.position
    and chosen.option_id = shown.option_id
