{#- What differs between engines beside JSON. The defaults are those of PostgreSQL and DuckDB. -#}

{% macro days_between(earlier, later) %}{{ return(adapter.dispatch('days_between', 'toggl_hire')(earlier, later)) }}{% endmacro %}

{% macro default__days_between(earlier, later) -%}
cast(extract(epoch from ({{ later }} - {{ earlier }})) / 86400.0 as numeric(28, 6))
{%- endmacro %}


{% macro days_after(moment, days) %}{{ return(adapter.dispatch('days_after', 'toggl_hire')(moment, days)) }}{% endmacro %}

{% macro default__days_after(moment, days) -%}
({{ moment }} + interval '{{ days }} days')
{%- endmacro %}


{% macro week(moment) %}{{ return(adapter.dispatch('week', 'toggl_hire')(moment)) }}{% endmacro %}

{% macro default__week(moment) -%}
cast({{ dbt.date_trunc('week', moment) }} as date)
{%- endmacro %}


{% macro join_days(first, last, alias) %}{{ return(adapter.dispatch('join_days', 'toggl_hire')(first, last, alias)) }}{% endmacro %}

{% macro postgres__join_days(first, last, alias) -%}
cross join lateral (
    select cast(day as date) as day
    from generate_series(date_trunc('day', {{ first }}), {{ last }}, interval '1 day') as series (day)
) as {{ alias }}
{%- endmacro %}

{% macro duckdb__join_days(first, last, alias) -%}
cross join lateral (
    select cast(unnest(generate_series(date_trunc('day', {{ first }}), {{ last }}, interval '1 day')) as date) as day
) as {{ alias }}
{%- endmacro %}


{% macro quantile(column, share) %}{{ return(adapter.dispatch('quantile', 'toggl_hire')(column, share)) }}{% endmacro %}

{% macro default__quantile(column, share) -%}
cast(percentile_cont({{ share }}) within group (order by cast({{ column }} as {{ toggl_hire.double() }})) as numeric(28, 6))
{%- endmacro %}


{% macro double() %}{{ return(adapter.dispatch('double', 'toggl_hire')()) }}{% endmacro %}
{% macro default__double() %}{{ return('double precision') }}{% endmacro %}


{% macro utc(moment) %}{{ return(adapter.dispatch('utc', 'toggl_hire')(moment)) }}{% endmacro %}

{% macro default__utc(moment) -%}
cast({{ moment }} as timestamptz) at time zone 'UTC'
{%- endmacro %}


{% macro joined(text, separator, order) %}{{ return(adapter.dispatch('joined', 'toggl_hire')(text, separator, order)) }}{% endmacro %}

{% macro default__joined(text, separator, order) -%}
string_agg({{ text }}, {{ separator }} order by {{ order }})
{%- endmacro %}


{% macro analyze() %}{{ return(adapter.dispatch('analyze', 'toggl_hire')()) }}{% endmacro %}
{% macro default__analyze() %}{% endmacro %}
{% macro postgres__analyze() %}analyze {{ this }}{% endmacro %}
