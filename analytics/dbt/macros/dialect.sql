{#- What differs between engines beside JSON. The defaults are those of PostgreSQL and DuckDB. -#}

{#- Days from one time to another. -#}
{% macro days_between(earlier, later) %}{{ return(adapter.dispatch('days_between', 'toggl_hire')(earlier, later)) }}{% endmacro %}

{% macro default__days_between(earlier, later) -%}
cast(extract(epoch from ({{ later }} - {{ earlier }})) / 86400.0 as numeric(28, 6))
{%- endmacro %}


{#- A time that is some days after another. -#}
{% macro days_after(moment, days) %}{{ return(adapter.dispatch('days_after', 'toggl_hire')(moment, days)) }}{% endmacro %}

{% macro default__days_after(moment, days) -%}
({{ moment }} + interval '{{ days }} days')
{%- endmacro %}


{#- A quantile, interpolated, of a column that may have nulls. -#}
{% macro quantile(column, share) %}{{ return(adapter.dispatch('quantile', 'toggl_hire')(column, share)) }}{% endmacro %}

{% macro default__quantile(column, share) -%}
cast(percentile_cont({{ share }}) within group (order by cast({{ column }} as {{ toggl_hire.double() }})) as numeric(28, 6))
{%- endmacro %}


{#- The type of a floating-point number of 64 bits. -#}
{% macro double() %}{{ return(adapter.dispatch('double', 'toggl_hire')()) }}{% endmacro %}
{% macro default__double() %}{{ return('double precision') }}{% endmacro %}


{#- A time with an offset, or the text of one, as a time in UTC without an offset. -#}
{% macro utc(moment) %}{{ return(adapter.dispatch('utc', 'toggl_hire')(moment)) }}{% endmacro %}

{% macro default__utc(moment) -%}
cast({{ moment }} as timestamptz) at time zone 'UTC'
{%- endmacro %}


{#- Texts of a group, joined; nulls are left out. -#}
{% macro joined(text, separator, order) %}{{ return(adapter.dispatch('joined', 'toggl_hire')(text, separator, order)) }}{% endmacro %}

{% macro default__joined(text, separator, order) -%}
string_agg({{ text }}, {{ separator }} order by {{ order }})
{%- endmacro %}


{#- Statistics for the planner, where a new table has none. -#}
{% macro analyze() %}{{ return(adapter.dispatch('analyze', 'toggl_hire')()) }}{% endmacro %}
{% macro default__analyze() %}{% endmacro %}
{% macro postgres__analyze() %}analyze {{ this }}{% endmacro %}
