{{ config(grants=grants('toggl_hire_readers'), indexes=[{'columns': ['workspace'], 'unique': true}]) }}
{%- set streams = {'candidates': 'candidates', 'details': 'candidate_details', 'answers': 'candidate_answers'} %}
with runs as (
    select
        *,
        cast({{ dbt.split_part("coalesce(part, '1/1')", "'/'", 2) }} as {{ dbt.type_int() }}) as parts,
        row_number() over (partition by workspace order by finished_at desc) as number,
        row_number() over (partition by workspace, part order by finished_at desc) as number_of_part
    from {{ ref('stg_toggl_hire__sync_runs') }}
    where outcome = 'complete'
),

-- Per part the last complete run, divided as the last of all is.
held as (
    select
        runs.workspace,
        min(runs.finished_at) as first_finished_at,
        max(runs.finished_at) as last_finished_at,
        {%- for name in streams %}
        case when count(runs.{{ name }}_held) = last_runs.parts then sum(runs.{{ name }}_held) end
            as {{ name }}_held{{ ',' if not loop.last }}
        {%- endfor %}
    from runs
    inner join runs as last_runs
        on last_runs.workspace = runs.workspace and last_runs.parts = runs.parts
    where runs.number_of_part = 1 and last_runs.number = 1
    group by runs.workspace, last_runs.parts
),

-- A row counts for these runs if it was there before they ended. Which part a candidate
-- belongs to is not known, so with several parts, what changed between them counts.
present as (
    select
        counts.workspace,
        counts.stream,
        counts.row_count,
        counts.deleted_at is null as is_present,
        coalesce(counts.deleted_at > held.first_finished_at, true)
            and coalesce(candidates.first_observed_at <= held.last_finished_at, true) as was_present
    from {{ ref('int_toggl_hire__row_counts') }} as counts
    left join held
        on held.workspace = counts.workspace
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
    cast(held.{{ name }}_held as bigint) as {{ name }}_held,
    cast(coalesce(counted.{{ name }}_rows, 0) as bigint) as {{ name }}_rows,
    cast(held.{{ name }}_held - coalesce(counted.{{ name }}_then, 0) as bigint) as {{ name }}_missing
    {%- endfor %}
from {{ ref('int_toggl_hire__looks') }} as looks
left join held
    on held.workspace = looks.workspace
left join counted
    on counted.workspace = looks.workspace
