{#- Incremental, and never refreshed: it keeps the dates of erased candidates, as evidence. -#}
{{ config(materialized='incremental', full_refresh=false, unique_key=['workspace', 'candidate_id']) }}
select due.workspace, due.candidate_id, due.due_at
from {{ ref('toggl_hire__retention_due') }} as due
{%- if is_incremental() %}
left join {{ this }} as known
    on known.workspace = due.workspace and known.candidate_id = due.candidate_id
where known.due_at is distinct from due.due_at
{%- endif %}
