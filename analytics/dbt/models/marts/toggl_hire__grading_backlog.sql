{{ config(grants=grants('toggl_hire_readers')) }}
select
    answers.workspace,
    answers.job_opening_id,
    answers.job_opening,
    count(*) as answers,
    count(distinct answers.candidate_id) as candidates,
    count(distinct case when answers.hire_state is null then answers.candidate_id end) as undecided_candidates,
    max({{ days_between('answers.finished_at', 'workspaces.last_looked_at') }}) as oldest_days,
    {{ row_id(['answers.workspace', 'answers.job_opening_id']) }} as row_id
from {{ ref('int_toggl_hire__answers') }} as answers
left join {{ ref('toggl_hire__workspaces') }} as workspaces
    on workspaces.workspace = answers.workspace
where not answers.is_graded
group by answers.workspace, answers.job_opening_id, answers.job_opening
