{% macro stream(name, key, columns) -%}
select
    *,
    {{ toggl_hire.row_id(['workspace'] + key) }} as row_id
from (
    {%- for schema in var('toggl_hire_schemas') %}
    {{ toggl_hire.rows_of(name, schema, columns) }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
    {{ toggl_hire.once() }}
) as {{ name }}
{%- endmacro %}


{% macro rows_of(name, schema, columns) -%}
{%- set relation = toggl_hire.loaded(name, schema) -%}
{%- set found = {} -%}
{%- for column in (adapter.get_columns_in_relation(relation) if relation else []) -%}
{%- do found.update({column.name | lower: column}) -%}
{%- endfor -%}
select
        cast('{{ schema }}' as {{ dbt.type_string() }}) as workspace
        {%- for column, declared in columns.items() %}
        {%- set spec = [column, declared] if declared is string else declared %},
        {{ toggl_hire.typed(found.get(spec[0]), spec[1], spec[2] if spec | length > 2 else none) }} as {{ column }}
        {%- endfor %}
    from {{ relation or '(select 1 as nothing) as nothing where false' }}
{%- endmacro %}


{% macro loaded(name, schema) -%}
{%- set declared = source('toggl_hire', name) -%}
{%- if execute -%}
{{ return(adapter.get_relation(declared.database, schema, name)) }}
{%- endif -%}
{%- endmacro %}


{% macro typed(column, type, field=none) -%}
{%- set quoted = adapter.quote(column.name) if column -%}
{%- set dtype = toggl_hire.dtype(column) if column -%}
{%- if not column -%}
    {{ {'presence': 'false', 'json_list': "'[]'"}.get(type) or 'cast(null as ' ~ toggl_hire.type_name(type) ~ ')' }}
{%- elif type == 'presence' -%}
    {{ toggl_hire.json_text(toggl_hire.to_json(quoted, dtype)) }} is not null
{%- elif field -%}
    nullif({{ toggl_hire.json_text(toggl_hire.to_json(quoted, dtype), field) }}, '')
{%- elif type == 'text' -%}
    nullif(cast({{ quoted }} as {{ dbt.type_string() }}), '')
{%- elif type == 'json' -%}
    {{ toggl_hire.to_json(quoted, dtype) }}
{%- elif type == 'json_list' -%}
    {{ toggl_hire.json_list(toggl_hire.to_json(quoted, dtype)) }}
{%- elif type == 'timestamp' and not dtype in ['timestamp', 'timestamp without time zone', 'timestamp_ntz'] -%}
    {{ toggl_hire.utc(quoted) }}
{%- else -%}
    cast({{ quoted }} as {{ toggl_hire.type_name(type) }})
{%- endif -%}
{%- endmacro %}


{% macro type_name(type) -%}
{%- set names = {
    'text': dbt.type_string(),
    'verbatim': dbt.type_string(),
    'numeric': 'numeric(28, 6)',
    'timestamp': toggl_hire.timestamp(),
    'json': toggl_hire.json_type(),
} -%}
{{ return(names.get(type, type)) }}
{%- endmacro %}


{% macro candidate_columns() -%}
{{ return({
    'candidate_id': ['id', 'text'],
    'name': 'text',
    'email': 'text',
    'profile_url': 'text',
    'full_name': ['contact_info', 'text', 'full_name'],
    'contact_email': ['contact_info', 'text', 'contact_email'],
    'linkedin': ['contact_info', 'text', 'linkedin'],
    'phone': ['contact_info', 'text', 'phone'],
    'city': ['contact_info', 'text', 'city'],
    'country': ['contact_info', 'text', 'country'],
    'has_contact_info': ['contact_info', 'presence'],
    'started_at': 'timestamp',
    'finished_at': 'timestamp',
    'points': 'numeric',
    'score': 'numeric',
    'rating': 'numeric',
    'hire_state': 'text',
    'category_id': 'text',
    'job_opening_id': 'text',
    'deleted_at': ['_sdc_deleted_at', 'timestamp'],
}) }}
{%- endmacro %}


{% macro oldest_complete_run() -%}
select min(coalesce(finished_at, cast('1970-01-01' as {{ toggl_hire.timestamp() }})))
from (
    {%- for schema in var('toggl_hire_schemas') %}
    select max(case when outcome = 'complete' then finished_at end) as finished_at
    from ({{ toggl_hire.rows_of('sync_runs', schema, {'finished_at': 'timestamp', 'outcome': 'text'}) }}) as runs
    {{ 'union all' if not loop.last }}
    {%- endfor %}
) as last_runs
{%- endmacro %}
