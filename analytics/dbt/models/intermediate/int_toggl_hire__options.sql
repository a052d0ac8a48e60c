with chosen as (
    select distinct choices.choice_id, {{ json_text('items.value') }} as option_id
    from {{ ref('int_toggl_hire__choices') }} as choices
    {{ join_items(parsed('choices.chosen_option_ids'), 'items') }}
),

shown as (
    select
        choices.choice_id,
        items.place,
        {{ json_text('items.value', 'id') }} as option_id,
        {{ json_text('items.value', 'content') }} as content,
        {{ json_text('items.value', 'correct') }} = 'true' as is_correct
    from {{ ref('int_toggl_hire__choices') }} as choices
    {{ join_items(parsed('choices.options'), 'items') }}
)

select
    shown.*,
    chosen.option_id is not null as is_chosen,
    {{ row_id(['shown.choice_id', 'shown.place']) }} as row_id
from shown
left join chosen
    on chosen.choice_id = shown.choice_id and chosen.option_id = shown.option_id
