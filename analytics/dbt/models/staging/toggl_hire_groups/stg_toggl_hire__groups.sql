{{ config(enabled=var('toggl_hire_groups') is not none) }}
{%- set relation = source('toggl_hire_groups', 'groups') %}
{%- set columns = {'group': adapter.quote('group')} %}
{%- for column in (adapter.get_columns_in_relation(relation) if execute else []) %}
{%- do columns.update({column.name | lower: adapter.quote(column.name)}) %}
{%- endfor %}
{%- set workspace = 'cast(workspace as ' ~ dbt.type_string() ~ ')' if 'workspace' in columns else 'cast(null as ' ~ dbt.type_string() ~ ')' %}
select
    {{ workspace }} as workspace,
    cast(candidate_id as {{ dbt.type_string() }}) as candidate_id,
    {{ columns['group'] }} as group_name,
    {{ row_id([workspace, 'candidate_id', columns['group']]) }} as row_id
from {{ relation }}
where {{ columns['group'] }} is not null
