{{ config(grants=grants('toggl_hire_readers')) }}
with backlog as (
    select
        answers.workspace,
        answers.job_opening_id,
        count(*) as answers,
        count(distinct answers.candidate_id) as candidates,
        count(distinct case when candidates.hire_state is null then answers.candidate_id end) as undecided_candidates,
        min(answers.finished_at) as finished_at
    from {{ ref('int_toggl_hire__answers') }} as answers
    left join {{ ref('toggl_hire__candidates') }} as candidates
        on candidates.workspace = answers.workspace and candidates.candidate_id = answers.candidate_id
    where not answers.is_graded
    group by answers.workspace, answers.job_opening_id
)

select
    backlog.workspace,
    backlog.job_opening_id,
    openings.name as job_opening,
    backlog.answers,
    backlog.candidates,
    backlog.undecided_candidates,
    {{ days_between('backlog.finished_at', 'workspaces.last_looked_at') }} as oldest_days,
    {{ row_id(['backlog.workspace', 'backlog.job_opening_id']) }} as row_id
from backlog
left join {{ ref('stg_toggl_hire__job_openings') }} as openings
    on openings.workspace = backlog.workspace and openings.job_opening_id = backlog.job_opening_id
left join {{ ref('toggl_hire__workspaces') }} as workspaces
    on workspaces.workspace = backlog.workspace
