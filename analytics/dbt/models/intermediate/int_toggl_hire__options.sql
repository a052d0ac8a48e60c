-- One row per option of each distinct choice: the options that were shown together with
-- those that were chosen. There are far fewer choices than answers.
with choices as (
    select distinct
        {{ json_list_text('options') }} as options,
        {{ json_list_text('chosen_option_ids') }} as chosen_option_ids
    from {{ ref('stg_toggl_hire__candidate_answers') }}
    where deleted_at is null and {{ json_list_text('options') }} is not null
),

identified as (
    select
        {{ choice_id('options', 'chosen_option_ids') }} as choice_id,
        cast(options as {{ json_type() }}) as options,
        cast(chosen_option_ids as {{ json_type() }}) as chosen_option_ids
    from choices
),

chosen as (
    select distinct identified.choice_id, {{ json_text('items.value') }} as option_id
    from identified
    {{ join_items('identified.chosen_option_ids', 'items') }}
),

shown as (
    select
        identified.choice_id,
        items.place,
        {{ json_text('items.value', 'id') }} as option_id,
        {{ json_text('items.value', 'content') }} as content,
        {{ json_text('items.value', 'correct') }} = 'true' as is_correct
    from identified
    {{ join_items('identified.options', 'items') }}
)

select
    shown.*,
    chosen.option_id is not null as is_chosen
from shown
left join chosen
    on chosen.choice_id = shown.choice_id and chosen.option_id = shown.option_id
