{{ config(grants=grants('toggl_hire_readers')) }}
{%- set share = 'case when questions.facility between 0 and 1 then questions.facility end' %}
{%- set graded = 'nullif(questions.graded, 0)' %}
with questions as (
    select * from {{ ref('int_toggl_hire__items') }}
),

-- Deviations from the means of each opening: x is the share of the question's points, y
-- that of the others.
by_opening as (
    select
        workspace,
        question_id,
        job_opening_id,
        cast(count(*) as {{ double() }}) as n,
        sum(share * share) - sum(share) * sum(share) / count(*) as sxx,
        sum(rest_share * rest_share) - sum(rest_share) * sum(rest_share) / count(*) as syy,
        sum(share * rest_share) - sum(share) * sum(rest_share) / count(*) as sxy
    from {{ ref('int_toggl_hire__shares') }}
    where share is not null and rest_share is not null
    group by workspace, question_id, job_opening_id
),

pooled as (
    select
        workspace,
        question_id,
        case when sum(n) - 2 - count(*) > 0 then 1 / (sum(n) - 2 - count(*)) end as variance,
        case
            when sum(sxx) > 1e-9 and sum(syy) > 1e-9 then sum(sxy) / sqrt(sum(sxx) * sum(syy))
        end as discrimination
    from by_opening
    group by workspace, question_id
),

transformed as (
    select
        *,
        case
            when abs(discrimination) < 0.999999 then ln((1 + discrimination) / (1 - discrimination)) / 2
            when discrimination > 0 then 7
            when discrimination < 0 then -7
        end as z
    from pooled
),

-- The prior: what is usual of the workspace's questions (DerSimonian and Laird).
weighed as (
    select
        workspace,
        count(*) as questions,
        sum(1 / variance) as w,
        sum(1 / (variance * variance)) as ww,
        sum(z / variance) as wz,
        sum(z * z / variance) as wzz
    from transformed
    where z is not null and variance is not null
    group by workspace
),

priors as (
    select
        workspace,
        wz / w as mean,
        1 / w as mean_variance,
        case
            when w - ww / w > 0 and wzz - wz * wz / w > questions - 1
                then (wzz - wz * wz / w - (questions - 1)) / (w - ww / w)
            else 0
        end as variance
    from weighed
),

-- The posterior; the mean of the prior is itself an estimate.
judged as (
    select
        transformed.*,
        (transformed.z * priors.variance + priors.mean * transformed.variance)
            / (priors.variance + transformed.variance) as likely_z,
        sqrt(
            priors.variance * transformed.variance / (priors.variance + transformed.variance)
            + priors.mean_variance
            * (transformed.variance / (priors.variance + transformed.variance))
            * (transformed.variance / (priors.variance + transformed.variance))
        ) as deviation
    from transformed
    left join priors on priors.workspace = transformed.workspace
),

-- Names of the openings, once each.
openings as (
    select
        asked.workspace,
        asked.question_id,
        count(*) as openings,
        {{ joined('openings.name', ", ", 'openings.name, asked.job_opening_id') }} as job_openings
    from (
        select distinct workspace, question_id, job_opening_id from {{ ref('int_toggl_hire__shares') }}
    ) as asked
    left join {{ ref('stg_toggl_hire__job_openings') }} as openings
        on openings.workspace = asked.workspace and openings.job_opening_id = asked.job_opening_id
    group by asked.workspace, asked.question_id
)

select
    questions.workspace,
    questions.question_id,
    questions.question_type,
    questions.skill,
    questions.question,
    questions.changed_at,
    openings.openings,
    openings.job_openings,
    cast(questions.shown as bigint) as shown,
    cast(questions.answered as bigint) as answered,
    cast(questions.graded as bigint) as graded,
    cast(questions.shown - questions.graded as bigint) as ungraded,
    cast(coalesce(questions.points_earned, 0) as numeric(28, 6)) as points_earned,
    cast(coalesce(questions.points_possible, 0) as numeric(28, 6)) as points_possible,
    questions.facility,
    cast(questions.checked as bigint) as checked,
    cast(questions.correct as bigint) as correct,
    cast(judged.discrimination as {{ double() }}) as discrimination,
    {{ from_z('judged.z - 1.96 * sqrt(judged.variance)') }} as discrimination_low,
    {{ from_z('judged.z + 1.96 * sqrt(judged.variance)') }} as discrimination_high,
    case
        -- 0.2027 is Fisher's z of 0.2; 1.645 deviations have 95 % on one side. Other
        -- questions alone make none good: its own answers have to show it, too, with 99 %
        -- (2.576), since a workspace has hundreds of questions.
        when judged.likely_z - 1.645 * judged.deviation > 0.2027
            and judged.z - 2.576 * sqrt(judged.variance) > 0.2027
            then 'good'
        -- Where nearly all get it right, it cannot separate.
        when {{ wilson(share, graded, -1) }} > 0.9 then 'too easy'
        when judged.likely_z + 1.645 * judged.deviation < 0.2027 then 'bad'
        when {{ wilson(share, graded, 1) }} < 0.2 then 'too hard'
        else 'too early'
    end as verdict,
    questions.row_id
from questions
left join openings
    on openings.workspace = questions.workspace and openings.question_id = questions.question_id
left join judged
    on judged.workspace = questions.workspace and judged.question_id = questions.question_id
