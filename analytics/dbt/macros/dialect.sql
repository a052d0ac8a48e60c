{#- What differs between engines beside JSON. The defaults are those of PostgreSQL and DuckDB. -#}

{% macro timestamp() %}{{ return(adapter.dispatch('timestamp', 'toggl_hire')()) }}{% endmacro %}
{% macro default__timestamp() %}{{ return('timestamp') }}{% endmacro %}
{% macro snowflake__timestamp() %}{{ return('timestamp_ntz') }}{% endmacro %}


{% macro double() %}{{ return(adapter.dispatch('double', 'toggl_hire')()) }}{% endmacro %}
{% macro default__double() %}{{ return('double precision') }}{% endmacro %}
{% macro bigquery__double() %}{{ return('float64') }}{% endmacro %}


{% macro utc(moment) %}{{ return(adapter.dispatch('utc', 'toggl_hire')(moment)) }}{% endmacro %}

{% macro default__utc(moment) -%}
cast({{ moment }} as timestamptz) at time zone 'UTC'
{%- endmacro %}

{% macro snowflake__utc(moment) -%}
cast(convert_timezone('UTC', cast({{ moment }} as timestamp_tz)) as timestamp_ntz)
{%- endmacro %}

{% macro bigquery__utc(moment) -%}
cast({{ moment }} as timestamp)
{%- endmacro %}


{% macro days_between(earlier, later) %}{{ return(adapter.dispatch('days_between', 'toggl_hire')(earlier, later)) }}{% endmacro %}

{% macro default__days_between(earlier, later) -%}
cast(extract(epoch from ({{ later }} - {{ earlier }})) / 86400.0 as numeric(28, 6))
{%- endmacro %}

{% macro snowflake__days_between(earlier, later) -%}
cast(datediff('microsecond', {{ earlier }}, {{ later }}) / 86400000000.0 as numeric(28, 6))
{%- endmacro %}

{% macro bigquery__days_between(earlier, later) -%}
cast(timestamp_diff({{ later }}, {{ earlier }}, microsecond) / 86400000000.0 as numeric(28, 6))
{%- endmacro %}


{% macro days_after(moment, days) %}{{ return(adapter.dispatch('days_after', 'toggl_hire')(moment, days)) }}{% endmacro %}

{% macro default__days_after(moment, days) -%}
({{ moment }} + interval '{{ days }} days')
{%- endmacro %}

{% macro snowflake__days_after(moment, days) -%}
dateadd('day', {{ days }}, {{ moment }})
{%- endmacro %}

{% macro bigquery__days_after(moment, days) -%}
timestamp_add({{ moment }}, interval {{ days }} day)
{%- endmacro %}


{% macro week(moment) %}{{ return(adapter.dispatch('week', 'toggl_hire')(moment)) }}{% endmacro %}

{% macro default__week(moment) -%}
cast({{ dbt.date_trunc('week', moment) }} as date)
{%- endmacro %}

{#- Not date_trunc, whose week begins as the session's parameter WEEK_START says. -#}
{% macro snowflake__week(moment) -%}
dateadd('day', 1 - dayofweekiso({{ moment }}), cast({{ moment }} as date))
{%- endmacro %}

{% macro bigquery__week(moment) -%}
cast(date_trunc(cast({{ moment }} as date), isoweek) as date)
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

{% macro snowflake__join_days(first, last, alias) -%}
cross join lateral (
    select dateadd('day', steps.index, cast({{ first }} as date)) as day
    from lateral flatten(
        input => array_generate_range(0, datediff('day', {{ first }}, {{ last }}) + 1)
    ) as steps
) as {{ alias }}
{%- endmacro %}

{% macro bigquery__join_days(first, last, alias) -%}
cross join unnest(array(
    select as struct day
    from unnest(generate_date_array(cast({{ first }} as date), cast({{ last }} as date))) as day
)) as {{ alias }}
{%- endmacro %}


{% macro joined(text, separator, order) %}{{ return(adapter.dispatch('joined', 'toggl_hire')(text, separator, order)) }}{% endmacro %}

{% macro default__joined(text, separator, order) -%}
string_agg({{ text }}, {{ "chr(10)" if separator == "\n" else "'" ~ separator ~ "'" }} order by {{ order }})
{%- endmacro %}

{#- An empty text of no texts is null elsewhere. -#}
{% macro snowflake__joined(text, separator, order) -%}
nullif(listagg({{ text }}, '{{ separator | replace("\n", "\\n") }}') within group (order by {{ order }}), '')
{%- endmacro %}

{% macro bigquery__joined(text, separator, order) -%}
string_agg({{ text }}, '{{ separator | replace("\n", "\\n") }}' order by {{ order }})
{%- endmacro %}


{% macro analyze() %}{{ return(adapter.dispatch('analyze', 'toggl_hire')()) }}{% endmacro %}
{% macro default__analyze() %}{% endmacro %}
{#- A small sample is enough to know which tables are large. -#}
{% macro postgres__analyze() %}set local default_statistics_target = 10; analyze {{ this }}{% endmacro %}


{% macro once() %}{{ return(adapter.dispatch('once', 'toggl_hire')()) }}{% endmacro %}
{% macro default__once() %}{% endmacro %}
{#- PostgreSQL merges a subquery into the query around it, but not one with an offset. -#}
{% macro postgres__once() %}offset 0{% endmacro %}


{% macro dtype(column) %}{{ return(adapter.dispatch('dtype', 'toggl_hire')(column)) }}{% endmacro %}
{% macro default__dtype(column) %}{{ return(column.dtype | lower) }}{% endmacro %}
{#- With array and struct, which dtype leaves out. -#}
{% macro bigquery__dtype(column) %}{{ return(column.data_type | lower) }}{% endmacro %}
