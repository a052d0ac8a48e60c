{% macro json_type() %}{{ return(adapter.dispatch('json_type', 'toggl_hire')()) }}{% endmacro %}
{% macro postgres__json_type() %}{{ return('jsonb') }}{% endmacro %}
{% macro duckdb__json_type() %}{{ return('json') }}{% endmacro %}


{% macro to_json(column, dtype) %}{{ return(adapter.dispatch('to_json', 'toggl_hire')(column, dtype)) }}{% endmacro %}

{% macro postgres__to_json(column, dtype) -%}
{%- if dtype == 'jsonb' -%}
{{ column }}
{%- else -%}
{{ 'cast(' ~ column ~ ' as jsonb)' if dtype in ['text', 'character varying', 'json'] else 'to_jsonb(' ~ column ~ ')' }}
{%- endif -%}
{%- endmacro %}

{% macro duckdb__to_json(column, dtype) -%}
{{ 'cast(' ~ column ~ ' as json)' if dtype in ['VARCHAR', 'JSON'] else 'to_json(' ~ column ~ ')' }}
{%- endmacro %}


{% macro join_items(list, alias) %}{{ return(adapter.dispatch('join_items', 'toggl_hire')(list, alias)) }}{% endmacro %}

{% macro postgres__join_items(list, alias) -%}
cross join lateral (
    select value, place
    from jsonb_array_elements(case when jsonb_typeof({{ list }}) = 'array' then {{ list }} end)
        with ordinality as items (value, place)
) as {{ alias }}
{%- endmacro %}

{% macro duckdb__join_items(list, alias) -%}
cross join lateral (
    select
        unnest(json_extract({{ list }}, '$[*]')) as value,
        unnest(generate_series(1, cast(json_array_length({{ list }}) as bigint))) as place
) as {{ alias }}
{%- endmacro %}


{% macro json_text(value, field=none) %}{{ return(adapter.dispatch('json_text', 'toggl_hire')(value, field)) }}{% endmacro %}

{% macro postgres__json_text(value, field) -%}
({{ value }} {{ "->> '" ~ field ~ "'" if field else "#>> '{}'" }})
{%- endmacro %}

{% macro duckdb__json_text(value, field) -%}
({{ value }} ->> '{{ "$." ~ field if field else "$" }}')
{%- endmacro %}


{% macro json_list(value) %}{{ return(adapter.dispatch('json_list', 'toggl_hire')(value)) }}{% endmacro %}
{% macro default__json_list(value) -%}
coalesce({{ value }}, cast('[]' as {{ toggl_hire.json_type() }}))
{%- endmacro %}
