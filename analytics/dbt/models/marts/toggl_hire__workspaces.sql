{{ config(grants=grants('toggl_hire_readers'), indexes=[{'columns': ['workspace'], 'unique': true}]) }}
{%- set streams = {'candidates': 'candidates', 'details': 'candidate_details', 'answers': 'candidate_answers'} %}
with last_runs as (
    select *
    from (
        select
            *,
            row_number() over (partition by workspace order by finished_at desc, started_at desc) as number
        from {{ ref('stg_toggl_hire__sync_runs') }}
        where outcome = 'complete' and finished_at is not null
    ) as runs
    where number = 1
),

-- A row counts for the last complete run if it was there before that ended.
present as (
    select
        counts.workspace,
        counts.stream,
        counts.row_count,
        counts.deleted_at is null as is_present,
        coalesce(counts.deleted_at > last_runs.finished_at, true)
            and coalesce(candidates.first_observed_at <= last_runs.finished_at, true) as was_present
    from {{ ref('int_toggl_hire__row_counts') }} as counts
    left join last_runs
        on last_runs.workspace = counts.workspace
    left join {{ ref('int_toggl_hire__candidates') }} as candidates
        on candidates.workspace = counts.workspace and candidates.candidate_id = counts.candidate_id
),

counted as (
    select
        workspace
        {%- for name, stream in streams.items() %},
        sum(case when stream = '{{ stream }}' and is_present then row_count else 0 end) as {{ name }}_rows,
        sum(case when stream = '{{ stream }}' and was_present then row_count else 0 end) as {{ name }}_then
        {%- endfor %}
    from present
    group by workspace
)

select
    looks.workspace,
    looks.history_since,
    looks.complete_runs,
    cast(looks.failed_runs as bigint) as failed_runs,
    looks.first_run_completed_at,
    looks.last_run_completed_at,
    looks.last_looked_at,
    looks.longest_gap_days
    {%- for name in streams %},
    last_runs.{{ name }}_held,
    cast(coalesce(counted.{{ name }}_rows, 0) as bigint) as {{ name }}_rows,
    cast(last_runs.{{ name }}_held - coalesce(counted.{{ name }}_then, 0) as bigint) as {{ name }}_missing
    {%- endfor %},
    cast(
        case looks.workspace
            {%- for schema in var('toggl_hire_schemas') %}
            when '{{ schema }}' then nullif('{{ columns_missing(schema) | join(', ') }}', '')
            {%- endfor %}
        end as {{ dbt.type_string() }}
    ) as columns_missing
from {{ ref('int_toggl_hire__looks') }} as looks
left join last_runs
    on last_runs.workspace = looks.workspace
left join counted
    on counted.workspace = looks.workspace
