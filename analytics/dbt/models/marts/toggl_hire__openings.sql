{{ config(grants=grants('toggl_hire_readers')) }}
{%- set least = 10 %}
-- Waits by Kaplan and Meier, with delayed entry: a candidate counts from the day of the
-- wait on which the tap first saw them, until a decision or the last look.
with waits as (
    select
        workspace,
        job_opening_id,
        entered_after_days as entered,
        cast(days_undecided as numeric(28, 6)) as ended,
        case when decision = 'decided' then 1 else 0 end as decided
    from {{ ref('int_toggl_hire__decisions') }}
    where is_wait
),

moments as (
    select workspace, job_opening_id, day, sum(entered) as entered, sum(ended) as ended, sum(decided) as decided
    from (
        select workspace, job_opening_id, entered as day, 1 as entered, 0 as ended, 0 as decided from waits
        union all
        select workspace, job_opening_id, ended, 0, 1, decided from waits
    ) as both_ends
    group by workspace, job_opening_id, day
),

at_risk as (
    select
        *,
        sum(entered - ended) over (
            partition by workspace, job_opening_id
            order by day rows between unbounded preceding and 1 preceding
        ) as waiting,
        lead(day) over (partition by workspace, job_opening_id order by day) is null as is_last
    from moments
),

-- Where all of the first few are decided while others enter later, the curve does not
-- end: that moment is passed over.
survival as (
    select
        workspace,
        job_opening_id,
        day,
        decided,
        case
            when is_last and decided >= waiting then 0
            else exp(sum(
                case
                    when decided > 0 and decided < waiting
                        then ln(1 - {{ ratio('decided', 'waiting') }})
                    else 0
                end
            ) over (partition by workspace, job_opening_id order by day rows unbounded preceding))
        end as undecided_share
    from at_risk
),

-- A share of exactly one half may be a little more, as logarithms are rounded.
quantiles as (
    select
        workspace,
        job_opening_id,
        min(case when undecided_share <= 0.500000001 then day end) as median_days_to_decision,
        min(case when undecided_share <= 0.100000001 then day end) as slowest_tenth_days_to_decision
    from survival
    group by workspace, job_opening_id
    -- Fewer decisions say too little.
    having sum(decided) >= {{ least }}
),

ranked as (
    select
        *,
        row_number() over (
            partition by workspace, job_opening_id order by {{ nulls_last('score') }}, candidate_id
        ) as place,
        count(score) over (partition by workspace, job_opening_id) as places
    from {{ ref('toggl_hire__candidates') }}
),

candidates as (
    select
        workspace,
        job_opening_id,
        count(*) as candidates,
        count(case when hire_state = 'possible-hire' then 1 end) as possible_hires,
        count(case when hire_state = 'rejected' then 1 end) as rejected,
        count(case when decision = 'decided' then 1 end) as decided,
        count(case when decision = 'decided before' then 1 end) as decided_before,
        count(case when is_waiting then 1 end) as waiting,
        count(score) as scored,
        {{ quantile('score', 0.5, 'place', 'places') }} as median_score
    from ranked
    group by workspace, job_opening_id
),

erased as (
    select workspace, job_opening_id, count(*) as erased
    from {{ ref('int_toggl_hire__candidates') }}
    where deleted_at is not null and not is_excluded
    group by workspace, job_opening_id
),

known as (
    select distinct workspace, job_opening_id
    from (
        select workspace, job_opening_id from {{ ref('stg_toggl_hire__job_openings') }}
        union all
        select workspace, job_opening_id from candidates
        union all
        select workspace, job_opening_id from erased where job_opening_id is not null
    ) as openings
)

select
    known.workspace,
    known.job_opening_id,
    openings.name as job_opening,
    openings.created_at,
    openings.published_at,
    openings.closed_at,
    openings.deleted_at,
    {%- for count in ['candidates', 'possible_hires', 'rejected', 'decided', 'decided_before', 'waiting'] %}
    coalesce(candidates.{{ count }}, 0) as {{ count }},
    {%- endfor %}
    coalesce(erased.erased, 0) as erased,
    quantiles.median_days_to_decision,
    quantiles.slowest_tenth_days_to_decision,
    coalesce(candidates.scored, 0) as scored,
    candidates.median_score,
    {{ row_id(['known.workspace', 'known.job_opening_id']) }} as row_id
from known
left join {{ ref('stg_toggl_hire__job_openings') }} as openings
    on openings.workspace = known.workspace and openings.job_opening_id = known.job_opening_id
left join candidates
    on candidates.workspace = known.workspace
    and candidates.job_opening_id is not distinct from known.job_opening_id
left join erased
    on erased.workspace = known.workspace
    and erased.job_opening_id = known.job_opening_id
left join quantiles
    on quantiles.workspace = known.workspace
    and quantiles.job_opening_id is not distinct from known.job_opening_id
