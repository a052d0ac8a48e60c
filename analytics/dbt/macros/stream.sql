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
    cast('{{ schema }}' as text) as workspace
    {%- for column, type in columns.items() %},
    {{ toggl_hire.typed(column, found.get(column), type) }} as {{ column }}
    {%- endfor %}
{{ 'from ' ~ relation if relation else 'where false' }}
{{ 'union all' if not loop.last }}
{%- endfor -%}
{%- endmacro %}


{#- A column as its type. `dtype` is what the warehouse has it as, none if it has not. -#}
{% macro typed(column, dtype, type) -%}
{%- set names = {'verbatim': 'text', 'numeric': 'numeric(28, 6)', 'json': toggl_hire.json_type()} -%}
{%- if not dtype -%}
    cast(null as {{ names.get(type, type) }})
{%- elif type == 'text' -%}
    nullif(cast({{ adapter.quote(column) }} as text), '')
{%- elif type == 'json' -%}
    {{ toggl_hire.to_json(adapter.quote(column), dtype) }}
{%- elif type == 'timestamp' and not dtype | lower is in ['timestamp', 'timestamp without time zone'] -%}
    cast({{ adapter.quote(column) }} as timestamptz) at time zone 'UTC'
{%- else -%}
    cast({{ adapter.quote(column) }} as {{ names.get(type, type) }})
{%- endif -%}
{%- endmacro %}
