{{ config(grants=grants('toggl_hire_readers')) }}
select
    workspace,
    job_opening_id,
    job_opening,
    category_id,
    category,
    position,
    row_id
from {{ ref('int_toggl_hire__stage_order') }}
