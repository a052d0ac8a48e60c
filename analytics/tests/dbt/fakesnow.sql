{#- Macros of dbt-snowflake that fakesnow does not understand, as it does. -#}

{# fakesnow lists the objects of a schema only if it is called a schema. #}
{% macro snowflake__show_objects_sql(schema, limit=10000, watermark=none) %}
{{ return("show objects in schema " ~ schema ~ " limit " ~ limit) }}
{% endmacro %}

{# It has no temporary views, of which dbt merges incremental models. #}
{% macro snowflake__create_view_as_with_temp_flag(relation, sql, is_temporary=False) %}
create or replace view {{ relation }} as ({{ sql }})
{% endmacro %}

{# In a merge it wants every column to have the name of its table. #}
{% macro snowflake__get_merge_sql(target, source, key, columns, predicates) %}
{% set names = columns | map(attribute="quoted") | list %}
merge into {{ target }} as kept
using {{ source }} as fresh on kept.{{ key }} = fresh.{{ key }}
when matched then update set
    {% for name in names %}{{ name }} = fresh.{{ name }}{{ ", " if not loop.last }}{% endfor %}
when not matched then insert ({{ names | join(", ") }})
    values (fresh.{{ names | join(", fresh.") }})
{% endmacro %}
