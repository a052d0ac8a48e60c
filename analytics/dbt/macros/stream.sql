{#-
  The rows of a stream of the tap, from every schema of `toggl_hire_schemas`.

  A stream that was never loaded has no rows, and a column that was not selected is
  null: neither fails a build.

  Args:
    name: the stream.
    columns: its columns, with their types: text, verbatim (a text whose empty string
      means something), numeric, bigint, boolean, timestamp (in UTC), json.
-#}
{% macro stream(name, columns) -%}
{%- set declared = source('toggl_hire', name) -%}
{%- for schema in var('toggl_hire_schemas') -%}
{%- set relation = adapter.get_relation(declared.database, schema, name) if execute -%}
{%- set found = {} -%}
{%- for column in (adapter.get_columns_in_relation(relation) if relation else []) -%}
{%- do found.update({column.name: column.dtype}) -%}
{%- endfor %}
select
    cast('{{ schema }}' as {{ dbt.type_string() }}) as workspace
    {%- for column, type in columns.items() %},
    {{ toggl_hire.typed(column, found.get(column), type) }} as {{ column }}
    {%- endfor %}
{{ 'from ' ~ relation if relation else 'where false' }}
{{ 'union all' if not loop.last }}
{%- endfor -%}
{%- endmacro %}


{#- A column as its type. `dtype` is what the warehouse has it as, none if it has not. -#}
{% macro typed(column, dtype, type) -%}
{%- set names = {'text': dbt.type_string(), 'verbatim': dbt.type_string(), 'numeric': 'numeric(28, 6)', 'json': toggl_hire.json_type()} -%}
{%- if not dtype -%}
    cast(null as {{ names.get(type, type) }})
{%- elif type == 'text' -%}
    nullif(cast({{ adapter.quote(column) }} as {{ dbt.type_string() }}), '')
{%- elif type == 'json' -%}
    {{ toggl_hire.to_json(adapter.quote(column), dtype) }}
{%- elif type == 'timestamp' and not dtype | lower is in ['timestamp', 'timestamp without time zone'] -%}
    {{ toggl_hire.utc(adapter.quote(column)) }}
{%- else -%}
    cast({{ adapter.quote(column) }} as {{ names.get(type, type) }})
{%- endif -%}
{%- endmacro %}


{#- One row per workspace that a stream was ever loaded into. -#}
{% macro loaded(name) -%}
{%- set declared = source('toggl_hire', name) -%}
{%- for schema in var('toggl_hire_schemas') -%}
{%- set relation = adapter.get_relation(declared.database, schema, name) if execute %}
select cast('{{ schema }}' as {{ dbt.type_string() }}) as workspace
{{ 'where false' if not relation }}
{{ 'union all' if not loop.last }}
{%- endfor -%}
{%- endmacro %}


{#- When the last complete run ended, in the workspace where that is longest ago. -#}
{% macro oldest_complete_run() -%}
select min(coalesce(finished_at, cast('1970-01-01' as timestamp)))
from (
    select workspaces.workspace, max(runs.finished_at) as finished_at
    from (
        {%- for schema in var('toggl_hire_schemas') %}
        select cast('{{ schema }}' as {{ dbt.type_string() }}) as workspace
        {{ 'union all' if not loop.last }}
        {%- endfor %}
    ) as workspaces
    left join (
        {{ toggl_hire.stream('sync_runs', {'finished_at': 'timestamp', 'outcome': 'text'}) }}
    ) as runs
        on runs.workspace = workspaces.workspace and runs.outcome = 'complete'
    group by workspaces.workspace
) as last_runs
{%- endmacro %}
