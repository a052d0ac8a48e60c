{{ config(enabled=var('toggl_hire_exclude') is not none) }}
select distinct
    cast(workspace as {{ dbt.type_string() }}) as workspace,
    cast(candidate_id as {{ dbt.type_string() }}) as candidate_id,
    {{ row_id(['workspace', 'candidate_id']) }} as row_id
from {{ source('toggl_hire_exclude', 'excluded') }}
where candidate_id is not null
