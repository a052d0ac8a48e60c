{% macro ratio(part, whole) -%}
cast({{ part }} as {{ toggl_hire.double() }}) / nullif(cast({{ whole }} as {{ toggl_hire.double() }}), 0)
{%- endmacro %}


{% macro from_z(z) -%}
(exp(2 * ({{ z }})) - 1) / (exp(2 * ({{ z }})) + 1)
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
{{ return({'select': roles} if roles else {}) }}
{%- endmacro %}
