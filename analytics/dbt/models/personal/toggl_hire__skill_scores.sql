with skills as (
    select
        workspace,
        candidate_id,
        job_opening_id,
        skill,
        count(*) as questions,
        sum(case when answered then 1 else 0 end) as answered,
        sum(points_earned) as points_earned,
        sum(coalesce(question_points, 0)) as points_possible
    from {{ ref('int_toggl_hire__answers') }}
    group by workspace, candidate_id, job_opening_id, skill
)

select
    workspace,
    candidate_id,
    job_opening_id,
    skill,
    questions,
    cast(answered as bigint) as answered,
    cast(points_earned as numeric(28, 6)) as points_earned,
    cast(points_possible as numeric(28, 6)) as points_possible,
    {{ ratio('points_earned', 'points_possible') }} as score
from skills
