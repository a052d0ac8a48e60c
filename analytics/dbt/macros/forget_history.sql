{% macro forget_history() -%}
{%- for schema in var('toggl_hire_schemas') -%}
{%- set relation = toggl_hire.loaded('candidate_history', schema) -%}
{%- set found = adapter.get_columns_in_relation(relation) | map(attribute='name') | map('lower') | list if relation else [] -%}
{%- set columns = ['score', 'points', 'rating', 'hire_state', 'tag_ids'] | select('in', found) | list -%}
{%- if columns -%}
{%- call statement('forget_history') -%}
update {{ relation }}
set {{ columns | join(' = null, ') }} = null
where
    candidate_id in (
        select candidate_id
        from {{ relation }}
        group by candidate_id
        having max(case when event = 'deleted' then observed_at end) = max(observed_at)
    )
    and not ({{ columns | join(' is null and ') }} is null)
{%- endcall -%}
{%- do adapter.commit() -%}
{%- endif -%}
{%- endfor -%}
{%- endmacro %}
