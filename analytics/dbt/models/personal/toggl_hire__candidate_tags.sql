{{ config(grants=grants('toggl_hire_personal_readers')) }}
select workspace, candidate_id, tag_id, tag, row_id
from {{ ref('int_toggl_hire__candidate_tags') }}
