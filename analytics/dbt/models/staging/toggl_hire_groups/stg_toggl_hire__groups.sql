{{ config(enabled=var('toggl_hire_groups') is not none) }}
{%- set relation = source('toggl_hire_groups', 'groups') %}
{%- set columns = adapter.get_columns_in_relation(relation) | map(attribute='name') | map('lower') | list if execute else [] %}
{%- set workspace = 'cast(workspace as ' ~ dbt.type_string() ~ ')' if 'workspace' in columns else 'cast(null as ' ~ dbt.type_string() ~ ')' %}
select
    {{ workspace }} as workspace,
    cast(candidate_id as {{ dbt.type_string() }}) as candidate_id,
    {{ adapter.quote('group') }} as group_name,
    {{ row_id([workspace, 'candidate_id', adapter.quote('group')]) }} as row_id
from {{ relation }}
where {{ adapter.quote('group') }} is not null
