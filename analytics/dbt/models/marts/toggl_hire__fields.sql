{{ config(grants=grants('toggl_hire_readers')) }}
{%- set problems = ['unknown', 'mismatched', 'missing'] %}
with runs as (
    select
        workspace,
        finished_at,
        coalesce(candidates_listed > 0, false) as has_candidates,
        coalesce(details_read > 0, false) as has_details
        {%- for problem in problems %},
        {{ problem }}_fields
        {%- endfor %}
    from {{ ref('stg_toggl_hire__sync_runs') }}
    where outcome in ('complete', 'stopped') and finished_at is not null
),

found as (
    {%- for problem in problems %}
    select
        runs.workspace,
        runs.finished_at,
        counts.name as field,
        '{{ problem }}' as problem,
        counts.number as occurrences
    from (select workspace, finished_at, {{ problem }}_fields as fields from runs) as runs
    {{ join_counts('runs.fields', 'counts') }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

-- Every run that could see the field, with what it found.
seen as (
    select fields.workspace, fields.field, fields.problem, runs.finished_at, found.occurrences
    from (select distinct workspace, field, problem from found) as fields
    inner join runs
        on runs.workspace = fields.workspace
        and case
            when fields.field like 'candidates.%' then runs.has_candidates
            when fields.field like 'candidate_details.%' then runs.has_details
            else true
        end
    left join found
        on found.workspace = runs.workspace
        and found.finished_at = runs.finished_at
        and found.field = fields.field
        and found.problem = fields.problem
),

sound as (
    select workspace, field, problem, max(finished_at) as last_sound_at
    from seen
    where occurrences is null
    group by workspace, field, problem
),

series as (
    select
        seen.*,
        sound.last_sound_at,
        min(seen.finished_at) over (partition by seen.workspace, seen.field, seen.problem) as since,
        row_number() over (
            partition by seen.workspace, seen.field, seen.problem
            order by seen.finished_at desc
        ) as place
    from seen
    left join sound
        on sound.workspace = seen.workspace and sound.field = seen.field and sound.problem = seen.problem
    where coalesce(seen.finished_at > sound.last_sound_at, true)
)

select
    workspace,
    field,
    problem,
    since,
    finished_at as last_seen_at,
    cast(occurrences as bigint) as occurrences,
    problem <> 'unknown' and last_sound_at is not null as is_drift,
    {{ row_id(['workspace', 'field', 'problem']) }} as row_id
from series
where place = 1
