select workspace, candidate_id, deleted_at as erased_at
from {{ ref('int_toggl_hire__candidates') }}
where deleted_at is not null
