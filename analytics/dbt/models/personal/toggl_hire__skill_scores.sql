{{ config(grants=grants('toggl_hire_personal_readers')) }}
with skills as (
    select
        workspace,
        candidate_id,
        job_opening_id,
        skill,
        count(*) as questions,
        sum(case when answered then 1 else 0 end) as answered,
        sum(case when is_graded then 0 else 1 end) as ungraded,
        sum(points_earned) as points_earned,
        sum(case when is_graded then coalesce(question_points, 0) end) as points_possible
    from {{ ref('toggl_hire__answers') }}
    group by workspace, candidate_id, job_opening_id, skill
),

scored as (
    select *, {{ ratio('points_earned', 'points_possible') }} as score
    from skills
)

select
    workspace,
    candidate_id,
    job_opening_id,
    skill,
    questions,
    cast(answered as bigint) as answered,
    cast(ungraded as bigint) as ungraded,
    cast(coalesce(points_earned, 0) as numeric(28, 6)) as points_earned,
    cast(coalesce(points_possible, 0) as numeric(28, 6)) as points_possible,
    score,
    score - avg(score) over (partition by workspace, job_opening_id, skill) as score_above_opening,
    {{ row_id(['workspace', 'candidate_id', 'job_opening_id', 'skill']) }} as row_id
from scored
