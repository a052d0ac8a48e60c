with candidates as (
    select * from {{ ref('int_toggl_hire__candidates') }} where deleted_at is null
),

tags as (
    select
        candidates.workspace,
        candidates.candidate_id,
        string_agg(tags.name, ', ' order by items.place) as tags
    from candidates
    cross join lateral {{ json_items('candidates.tag_ids') }} as items
    inner join {{ ref('stg_toggl_hire__tags') }} as tags
        on tags.workspace = candidates.workspace and tags.tag_id = {{ json_text('items.value') }}
    group by candidates.workspace, candidates.candidate_id
),

answers as (
    select
        workspace,
        candidate_id,
        count(*) as questions,
        sum(case when answered then 1 else 0 end) as answered,
        sum(case when answered and correct is null then 1 else 0 end) as written,
        sum(case when text_answer <> '' then 1 else 0 end) as shown_texts
    from {{ ref('int_toggl_hire__answers') }}
    group by workspace, candidate_id
),

joined as (
    select
        candidates.*,
        openings.name as job_opening,
        categories.name as category,
        tags.tags,
        answers.questions,
        answers.answered,
        answers.written,
        answers.shown_texts,
        decisions.first_observed_at,
        decisions.last_changed_at,
        case
            when coalesce(decisions.is_decided_before, candidates.hire_state is not null) then 'decided before'
            when decisions.decided_at is not null then 'decided'
            else 'waiting'
        end as decision,
        decisions.decided_at,
        workspaces.last_looked_at
    from candidates
    left join {{ ref('stg_toggl_hire__job_openings') }} as openings
        on openings.workspace = candidates.workspace and openings.job_opening_id = candidates.job_opening_id
    left join {{ ref('stg_toggl_hire__categories') }} as categories
        on categories.workspace = candidates.workspace and categories.category_id = candidates.category_id
    left join tags
        on tags.workspace = candidates.workspace and tags.candidate_id = candidates.candidate_id
    left join answers
        on answers.workspace = candidates.workspace and answers.candidate_id = candidates.candidate_id
    left join {{ ref('int_toggl_hire__decisions') }} as decisions
        on decisions.workspace = candidates.workspace and decisions.candidate_id = candidates.candidate_id
    left join {{ ref('toggl_hire__workspaces') }} as workspaces
        on workspaces.workspace = candidates.workspace
)

select
    workspace,
    candidate_id,
    name,
    email,
    profile_url,
    full_name,
    contact_email,
    linkedin,
    phone,
    city,
    country,
    job_opening_id,
    job_opening,
    category_id,
    category,
    hire_state,
    rating,
    points,
    score,
    tags,
    started_at,
    finished_at,
    cast(extract(epoch from (finished_at - started_at)) / 60.0 as numeric(28, 6)) as minutes_taken,
    cast(questions as bigint) as questions,
    cast(answered as bigint) as answered,
    case when written > 0 then shown_texts = 0 and not has_contact_info end as seems_locked,
    first_observed_at,
    last_changed_at,
    decision,
    case when decision = 'decided' then decided_at end as decided_at,
    case when decision = 'decided' then {{ days_between('finished_at', 'decided_at') }} end as days_to_decision,
    case when decision = 'waiting' then {{ days_between('finished_at', 'last_looked_at') }} end as days_waiting
from joined
