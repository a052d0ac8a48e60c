{% macro json_type() %}{{ return(adapter.dispatch('json_type', 'toggl_hire')()) }}{% endmacro %}
{% macro default__json_type() %}{{ return('json') }}{% endmacro %}
{% macro postgres__json_type() %}{{ return('jsonb') }}{% endmacro %}
{% macro snowflake__json_type() %}{{ return('variant') }}{% endmacro %}


{% macro to_json(column, dtype) %}{{ return(adapter.dispatch('to_json', 'toggl_hire')(column, dtype)) }}{% endmacro %}

{% macro postgres__to_json(column, dtype) -%}
{%- if dtype == 'jsonb' -%}
{{ column }}
{%- else -%}
{{ 'cast(' ~ column ~ ' as jsonb)' if dtype in ['text', 'character varying', 'json'] else 'to_jsonb(' ~ column ~ ')' }}
{%- endif -%}
{%- endmacro %}

{% macro duckdb__to_json(column, dtype) -%}
{{ 'cast(' ~ column ~ ' as json)' if dtype in ['varchar', 'json'] else 'to_json(' ~ column ~ ')' }}
{%- endmacro %}

{% macro snowflake__to_json(column, dtype) -%}
{{ 'parse_json(' ~ column ~ ')' if dtype in ['varchar', 'text'] else 'to_variant(' ~ column ~ ')' }}
{%- endmacro %}

{#- A repeated record, too. -#}
{% macro bigquery__to_json(column, dtype) -%}
{%- if dtype == 'json' -%}
{{ column }}
{%- else -%}
{{ 'parse_json(' ~ column ~ ", wide_number_mode => 'round')" if dtype == 'string' else 'to_json(' ~ column ~ ')' }}
{%- endif -%}
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

{% macro snowflake__join_items(list, alias) -%}
cross join lateral (
    select found.value, found.index + 1 as place
    from lateral flatten(input => case when is_array({{ list }}) then {{ list }} end) as found
) as {{ alias }}
{%- endmacro %}

{% macro bigquery__join_items(list, alias) -%}
cross join unnest(array(
    select as struct value, place + 1 as place
    from unnest(json_query_array({{ list }})) as value with offset as place
)) as {{ alias }}
{%- endmacro %}


{% macro join_counts(text, alias) %}{{ return(adapter.dispatch('join_counts', 'toggl_hire')(text, alias)) }}{% endmacro %}

{% macro postgres__join_counts(text, alias) -%}
cross join lateral (
    select name, cast(number as bigint) as number
    from jsonb_each_text(cast({{ text }} as jsonb)) as pairs (name, number)
) as {{ alias }}
{%- endmacro %}

{% macro duckdb__join_counts(text, alias) -%}
cross join lateral (
    select pair.key as name, pair.value as number
    from (
        select unnest(map_entries(cast(cast({{ text }} as json) as map(varchar, bigint)))) as pair
    ) as pairs
) as {{ alias }}
{%- endmacro %}

{% macro snowflake__join_counts(text, alias) -%}
cross join lateral (
    select pairs.key as name, cast(pairs.value as bigint) as number
    from lateral flatten(input => parse_json({{ text }})) as pairs
) as {{ alias }}
{%- endmacro %}

{#- Not json_keys, which quotes some names. -#}
{% macro bigquery__join_counts(text, alias) -%}
cross join unnest(array(
    select as struct
        regexp_extract(pair, r'"(.+)"') as name,
        cast(regexp_extract(pair, r'[0-9]+$') as int64) as number
    from unnest(regexp_extract_all({{ text }}, r'"[^"]+":[0-9]+')) as pair
)) as {{ alias }}
{%- endmacro %}


{% macro json_text(value, field=none) %}{{ return(adapter.dispatch('json_text', 'toggl_hire')(value, field)) }}{% endmacro %}

{% macro postgres__json_text(value, field) -%}
({{ value }} {{ "->> '" ~ field ~ "'" if field else "#>> '{}'" }})
{%- endmacro %}

{% macro duckdb__json_text(value, field) -%}
({{ value }} ->> '{{ "$." ~ field if field else "$" }}')
{%- endmacro %}

{% macro snowflake__json_text(value, field) -%}
cast({{ "get_path(" ~ value ~ ", '" ~ field ~ "')" if field else value }} as varchar)
{%- endmacro %}

{#- An object has no value: its text is that of the JSON. -#}
{% macro bigquery__json_text(value, field) -%}
{%- if field -%}
json_value({{ value }}, '$.{{ field }}')
{%- else -%}
coalesce(json_value({{ value }}), nullif(to_json_string({{ value }}), 'null'))
{%- endif -%}
{%- endmacro %}


{% macro json_list(value) %}{{ return(adapter.dispatch('json_list', 'toggl_hire')(value)) }}{% endmacro %}

{% macro default__json_list(value) -%}
coalesce(nullif(cast({{ value }} as {{ dbt.type_string() }}), 'null'), '[]')
{%- endmacro %}

{% macro snowflake__json_list(value) -%}
coalesce(nullif(to_json({{ value }}), 'null'), '[]')
{%- endmacro %}

{% macro bigquery__json_list(value) -%}
coalesce(nullif(to_json_string({{ value }}), 'null'), '[]')
{%- endmacro %}


{% macro parsed(text) %}{{ return(adapter.dispatch('parsed', 'toggl_hire')(text)) }}{% endmacro %}
{% macro default__parsed(text) -%}cast({{ text }} as {{ toggl_hire.json_type() }}){%- endmacro %}
{% macro snowflake__parsed(text) -%}parse_json({{ text }}){%- endmacro %}
{% macro bigquery__parsed(text) -%}parse_json({{ text }}, wide_number_mode => 'round'){%- endmacro %}
