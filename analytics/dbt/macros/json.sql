{#- The type of JSON. -#}
{% macro json_type() %}{{ return(adapter.dispatch('json_type', 'toggl_hire')()) }}{% endmacro %}
{% macro postgres__json_type() %}{{ return('jsonb') }}{% endmacro %}
{% macro duckdb__json_type() %}{{ return('json') }}{% endmacro %}


{#- A column as JSON, whatever a target made of it: JSON, text, or an array. -#}
{% macro to_json(column, dtype) %}{{ return(adapter.dispatch('to_json', 'toggl_hire')(column, dtype)) }}{% endmacro %}

{% macro postgres__to_json(column, dtype) -%}
{{ 'cast(' ~ column ~ ' as jsonb)' if dtype in ['text', 'character varying', 'json'] else 'to_jsonb(' ~ column ~ ')' }}
{%- endmacro %}

{% macro duckdb__to_json(column, dtype) -%}
{{ 'cast(' ~ column ~ ' as json)' if dtype in ['VARCHAR', 'JSON'] else 'to_json(' ~ column ~ ')' }}
{%- endmacro %}


{#- What `cross join lateral` needs to have the items of a JSON list: value and place. -#}
{% macro json_items(list) %}{{ return(adapter.dispatch('json_items', 'toggl_hire')(list)) }}{% endmacro %}

{% macro postgres__json_items(list) -%}
(
    select value, place
    from jsonb_array_elements(case when jsonb_typeof({{ list }}) = 'array' then {{ list }} end)
        with ordinality as items (value, place)
)
{%- endmacro %}

{% macro duckdb__json_items(list) -%}
(
    select
        unnest(json_extract({{ list }}, '$[*]')) as value,
        unnest(generate_series(1, cast(json_array_length({{ list }}) as bigint))) as place
)
{%- endmacro %}


{#- The text of a field of a JSON object or, without a field, of the value itself. -#}
{% macro json_text(value, field=none) %}{{ return(adapter.dispatch('json_text', 'toggl_hire')(value, field)) }}{% endmacro %}

{% macro postgres__json_text(value, field) -%}
({{ value }} {{ "->> '" ~ field ~ "'" if field else "#>> '{}'" }})
{%- endmacro %}

{% macro duckdb__json_text(value, field) -%}
({{ value }} ->> '{{ "$." ~ field if field else "$" }}')
{%- endmacro %}
