{#- Incremental, and never refreshed: it keeps the dates of erased candidates, as evidence. -#}
{{ config(materialized='incremental', full_refresh=false, unique_key='row_id') }}
select due.workspace, due.candidate_id, due.due_at, due.row_id
from {{ ref('int_toggl_hire__retention') }} as due
{%- if is_incremental() %}
left join {{ this }} as known
    on known.row_id = due.row_id
where known.due_at is distinct from due.due_at
{%- endif %}
