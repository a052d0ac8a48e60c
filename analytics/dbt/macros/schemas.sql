{#- Columns without which a table's rows cannot be told apart, or placed in time. -#}
{% macro needed_columns() -%}
{{ return({
    'job_openings': ['id'],
    'categories': ['id'],
    'tags': ['id'],
    'candidates': ['id', 'started_at'],
    'candidate_details': ['id', 'started_at'],
    'candidate_answers': ['candidate_id', 'position'],
    'candidate_history': ['event_id', 'candidate_id', 'observed_at'],
    'sync_runs': ['started_at'],
}) }}
{%- endmacro %}


{% macro check_schemas() -%}
{%- if execute and flags.WHICH in ['build', 'run'] and 'model.toggl_hire.' in selected_resources | join(' ') -%}
{%- for schema in var('toggl_hire_schemas') -%}
{%- set tables = [] -%}
{%- for name, needed in toggl_hire.needed_columns().items() -%}
{%- set relation = toggl_hire.loaded(name, schema) -%}
{%- if relation -%}
{%- do tables.append(name) -%}
{%- set found = adapter.get_columns_in_relation(relation) | map(attribute='name') | map('lower') | list -%}
{%- set lacking = needed | reject('in', found) | join(', ') -%}
{%- if lacking -%}
{%- do exceptions.raise_compiler_error(
    schema ~ '.' ~ name ~ ' lacks a column of its key or its time: ' ~ lacking ~ '. Give the column its name back, '
    ~ 'or drop the table and load it again with an empty state.'
) -%}
{%- endif -%}
{%- endif -%}
{%- endfor -%}
{%- if not tables -%}
{%- do exceptions.raise_compiler_error(
    'toggl_hire_schemas names ' ~ schema ~ ': no table of the tap is there, or this role cannot see it. '
    ~ 'Load it once, or take it off the list.'
) -%}
{%- endif -%}
{%- endfor -%}
{%- endif -%}
{%- endmacro %}


{% macro columns_missing(schema) -%}
{%- set missing = [] -%}
{%- if execute -%}
{%- for stream in graph.sources.values() | selectattr('source_name', 'equalto', 'toggl_hire') | sort(attribute='name') -%}
{%- set relation = adapter.get_relation(stream.database, schema, stream.name) -%}
{%- if relation -%}
{%- set found = adapter.get_columns_in_relation(relation) | map(attribute='name') | map('lower') | list -%}
{%- for column in stream.columns | reject('in', found) -%}
{%- do missing.append(stream.name ~ '.' ~ column) -%}
{%- endfor -%}
{%- endif -%}
{%- endfor -%}
{%- endif -%}
{{ return(missing) }}
{%- endmacro %}
