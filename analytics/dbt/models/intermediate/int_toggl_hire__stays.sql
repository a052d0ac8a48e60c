with history as (
    select
        *,
        -- A rejection that was undone ends no stay.
        max(case when hire_state is distinct from 'rejected' then number end) over (
            partition by workspace, candidate_id, stage_number
        ) as last_number_in_play
    from {{ ref('int_toggl_hire__history') }}
),

stays as (
    select
        workspace,
        candidate_id,
        stage_number,
        job_opening_id,
        category_id,
        min(valid_from) as valid_from,
        case when count(valid_to) = count(*) then max(valid_to) end as left_at,
        min(case when number > coalesce(last_number_in_play, 0) then valid_from end) as rejected_at
    from history
    group by workspace, candidate_id, stage_number, job_opening_id, category_id
)

select
    stays.*,
    openings.name as job_opening,
    candidates.deleted_at is not null as is_erased,
    {{ row_id(['stays.workspace', 'stays.candidate_id', 'stays.stage_number']) }} as row_id
from stays
inner join {{ ref('int_toggl_hire__candidates') }} as candidates
    on candidates.workspace = stays.workspace and candidates.candidate_id = stays.candidate_id
left join {{ ref('stg_toggl_hire__job_openings') }} as openings
    on openings.workspace = stays.workspace and openings.job_opening_id = stays.job_opening_id
where not candidates.is_excluded
