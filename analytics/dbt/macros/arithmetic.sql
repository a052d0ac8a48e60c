{% macro ratio(part, whole) -%}
cast({{ part }} as {{ toggl_hire.double() }}) / nullif(cast({{ whole }} as {{ toggl_hire.double() }}), 0)
{%- endmacro %}


{% macro from_z(z) -%}
(exp(2 * ({{ z }})) - 1) / (exp(2 * ({{ z }})) + 1)
{%- endmacro %}


{#- An end of Wilson's interval of 95 % (1.96 deviations, squared 3.8416): sign is -1 or 1. -#}
{% macro wilson(rate, number, sign) -%}
(
    ({{ rate }}) + 1.9208 / {{ number }}
    + {{ sign }} * 1.96 * sqrt(
        ({{ rate }}) * (1 - ({{ rate }})) / {{ number }} + 0.9604 / ({{ number }} * {{ number }})
    )
) / (1 + 3.8416 / {{ number }})
{%- endmacro %}


{#- Weights of the values on both sides: engines disagree on percentile_cont. -#}
{% macro quantile(column, share, place, places) -%}
{%- set distance = 'abs(' ~ place ~ ' - 1 - ' ~ share ~ ' * (' ~ places ~ ' - 1))' -%}
cast(sum(
    cast({{ column }} as {{ toggl_hire.double() }})
    * cast(case when {{ distance }} < 1 then 1 - {{ distance }} else 0 end as {{ toggl_hire.double() }})
) as numeric(28, 6))
{%- endmacro %}


{% macro nulls_last(column) -%}
case when {{ column }} is null then 1 else 0 end, {{ column }}
{%- endmacro %}


{% macro row_id(columns) -%}
{%- set parts = [] -%}
{%- for column in columns -%}
{%- do parts.append("coalesce(cast(" ~ column ~ " as " ~ dbt.type_string() ~ "), '')") -%}
{%- endfor -%}
{{ dbt.hash(parts | join(" || '|' || ")) }}
{%- endmacro %}


{% macro grants(variable) -%}
{%- set roles = var(variable, []) -%}
{%- set privilege = 'roles/bigquery.dataViewer' if target.type == 'bigquery' else 'select' -%}
{{ return({privilege: roles} if roles else {}) }}
{%- endmacro %}
