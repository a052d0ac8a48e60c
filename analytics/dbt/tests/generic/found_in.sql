{#- The values of `columns` together are those of a row of `to`; nulls are the same. -#}
{% test found_in(model, columns, to) %}
select {{ columns | join(', ') }} from {{ model }}
{{ dbt.except() }}
select {{ columns | join(', ') }} from {{ to }}
{% endtest %}
