{{ config(enabled=var('toggl_hire_groups') is not none) }}
select
    cast(candidate_id as {{ dbt.type_string() }}) as candidate_id,
    {{ adapter.quote('group') }} as group_name,
    {{ row_id(['candidate_id', adapter.quote('group')]) }} as row_id
from {{ source('toggl_hire_groups', 'groups') }}
where {{ adapter.quote('group') }} is not null
