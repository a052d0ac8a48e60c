{#- Days from one time to another. -#}
{% macro days_between(earlier, later) -%}
cast(extract(epoch from ({{ later }} - {{ earlier }})) / 86400.0 as numeric(28, 6))
{%- endmacro %}


{#- A quotient, null where there is nothing to divide by. It is the same on every engine. -#}
{% macro ratio(part, whole) -%}
cast({{ part }} as double precision) / nullif(cast({{ whole }} as double precision), 0)
{%- endmacro %}


{#- A quantile, interpolated, of a column that may have nulls. -#}
{% macro quantile(column, share) -%}
cast(percentile_cont({{ share }}) within group (order by cast({{ column }} as double precision)) as numeric(28, 6))
{%- endmacro %}
