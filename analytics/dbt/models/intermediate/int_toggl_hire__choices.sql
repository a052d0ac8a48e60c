with choices as (
    select distinct
        {{ json_list('options') }} as options,
        {{ json_list('chosen_option_ids') }} as chosen_option_ids
    from {{ ref('stg_toggl_hire__candidate_answers') }}
    where deleted_at is null
)

select
    {{ row_id(['options', 'chosen_option_ids']) }} as choice_id,
    options,
    chosen_option_ids
from choices
where options <> '[]'
