{#- A quotient, null where there is nothing to divide by. It is the same on every engine. -#}
{% macro ratio(part, whole) -%}
cast({{ part }} as {{ toggl_hire.double() }}) / nullif(cast({{ whole }} as {{ toggl_hire.double() }}), 0)
{%- endmacro %}


{#- The correlation that Fisher's z stands for. -#}
{% macro from_z(z) -%}
(exp(2 * ({{ z }})) - 1) / (exp(2 * ({{ z }})) + 1)
{%- endmacro %}


{#- A key of one column for rows whose own key may have nulls. -#}
{% macro row_id(columns) -%}
{%- set parts = [] -%}
{%- for column in columns -%}
{%- do parts.append("coalesce(cast(" ~ column ~ " as " ~ dbt.type_string() ~ "), '')") -%}
{%- endfor -%}
{{ dbt.hash(parts | join(" || '|' || ")) }}
{%- endmacro %}


{#- Roles that may read a model: the variable `toggl_hire_readers`, or that of the personal models. -#}
{% macro grants(variable) -%}
{%- set roles = var(variable, []) -%}
{{ return({'select': roles} if roles else {}) }}
{%- endmacro %}
