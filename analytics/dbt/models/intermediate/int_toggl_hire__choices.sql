with choices as (
    select distinct options, chosen_option_ids
    from {{ ref('stg_toggl_hire__candidate_answers') }}
)

select
    {{ row_id(['options', 'chosen_option_ids']) }} as choice_id,
    options,
    chosen_option_ids
from choices
where options <> '[]'
