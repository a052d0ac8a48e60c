with candidates as (
    select
        workspace,
        job_opening_id,
        count(*) as candidates,
        count(case when hire_state = 'possible-hire' then 1 end) as possible_hires,
        count(case when hire_state = 'rejected' then 1 end) as rejected,
        count(case when decision = 'decided' then 1 end) as decided,
        count(case when decision = 'decided before' then 1 end) as decided_before,
        count(case when decision = 'waiting' then 1 end) as waiting,
        avg(days_to_decision) as average_days_to_decision,
        {{ quantile('days_to_decision', 0.5) }} as median_days_to_decision,
        {{ quantile('days_to_decision', 0.9) }} as slowest_tenth_days_to_decision,
        count(score) as scored,
        min(score) as lowest_score,
        {{ quantile('score', 0.25) }} as lower_quartile_score,
        {{ quantile('score', 0.5) }} as median_score,
        {{ quantile('score', 0.75) }} as upper_quartile_score,
        max(score) as highest_score,
        count(case when score < 20 then 1 end) as scored_below_20,
        count(case when score >= 20 and score < 40 then 1 end) as scored_from_20,
        count(case when score >= 40 and score < 60 then 1 end) as scored_from_40,
        count(case when score >= 60 and score < 80 then 1 end) as scored_from_60,
        count(case when score >= 80 then 1 end) as scored_from_80
    from {{ ref('toggl_hire__candidates') }}
    group by workspace, job_opening_id
),

known as (
    select workspace, job_opening_id from {{ ref('stg_toggl_hire__job_openings') }}
    union
    select workspace, job_opening_id from candidates
)

select
    known.workspace,
    known.job_opening_id,
    openings.name as job_opening,
    openings.slug,
    openings.created_at,
    openings.published_at,
    openings.closed_at,
    openings.deleted_at,
    {%- for count in ['candidates', 'possible_hires', 'rejected', 'decided', 'decided_before', 'waiting'] %}
    coalesce(candidates.{{ count }}, 0) as {{ count }},
    {%- endfor %}
    cast(candidates.average_days_to_decision as numeric(28, 6)) as average_days_to_decision,
    candidates.median_days_to_decision,
    candidates.slowest_tenth_days_to_decision,
    coalesce(candidates.scored, 0) as scored,
    candidates.lowest_score,
    candidates.lower_quartile_score,
    candidates.median_score,
    candidates.upper_quartile_score,
    candidates.highest_score,
    coalesce(candidates.scored_below_20, 0) as scored_below_20,
    {%- for band in [20, 40, 60, 80] %}
    coalesce(candidates.scored_from_{{ band }}, 0) as scored_from_{{ band }}{{ ',' if not loop.last }}
    {%- endfor %}
from known
left join {{ ref('stg_toggl_hire__job_openings') }} as openings
    on openings.workspace = known.workspace and openings.job_opening_id = known.job_opening_id
left join candidates
    on candidates.workspace = known.workspace
    and candidates.job_opening_id is not distinct from known.job_opening_id
