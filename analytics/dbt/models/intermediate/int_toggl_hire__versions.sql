with versions as (
    select
        workspace,
        question_id,
        version_id,
        max(finished_at) as last_shown_at,
        count(*) as answers
    from {{ ref('int_toggl_hire__answers') }}
    where question_id is not null
    group by workspace, question_id, version_id
),

ranked as (
    select
        *,
        row_number() over (
            partition by workspace, question_id
            order by
                case when last_shown_at is null then 1 else 0 end,
                last_shown_at desc,
                answers desc,
                version_id
        ) as age
    from versions
),

changed as (
    select
        newest.workspace,
        newest.question_id,
        min(case when answers.finished_at > older.last_shown_at then answers.finished_at end) as changed_at
    from ranked as newest
    inner join ranked as older
        on older.workspace = newest.workspace and older.question_id = newest.question_id and older.age = 2
    inner join {{ ref('int_toggl_hire__answers') }} as answers
        on answers.workspace = newest.workspace
        and answers.question_id = newest.question_id
        and answers.version_id = newest.version_id
    where newest.age = 1
    group by newest.workspace, newest.question_id
)

select
    ranked.workspace,
    ranked.question_id,
    ranked.version_id,
    changed.changed_at,
    {{ row_id(['ranked.workspace', 'ranked.question_id']) }} as row_id
from ranked
left join changed
    on changed.workspace = ranked.workspace and changed.question_id = ranked.question_id
where ranked.age = 1
