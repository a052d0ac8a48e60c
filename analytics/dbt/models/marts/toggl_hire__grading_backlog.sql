{{ config(grants=grants('toggl_hire_readers')) }}
select
    answers.workspace,
    answers.job_opening_id,
    openings.name as job_opening,
    count(*) as answers,
    count(distinct answers.candidate_id) as candidates,
    count(distinct case when candidates.hire_state is null then answers.candidate_id end) as undecided_candidates,
    max({{ days_between('answers.finished_at', 'looks.last_looked_at') }}) as oldest_days,
    {{ row_id(['answers.workspace', 'answers.job_opening_id']) }} as row_id
from {{ ref('toggl_hire__answers') }} as answers
left join {{ ref('int_toggl_hire__candidates') }} as candidates
    on candidates.workspace = answers.workspace and candidates.candidate_id = answers.candidate_id
left join {{ ref('int_toggl_hire__looks') }} as looks
    on looks.workspace = answers.workspace
left join {{ ref('stg_toggl_hire__job_openings') }} as openings
    on openings.workspace = answers.workspace and openings.job_opening_id = answers.job_opening_id
where not answers.is_graded
group by answers.workspace, answers.job_opening_id, openings.name
