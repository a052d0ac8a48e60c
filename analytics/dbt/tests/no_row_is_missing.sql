-- Rows that the state vouches for, and that the warehouse does not have: the loader lost
-- them. What to do: docs/troubleshooting.md.
select workspace, candidates_missing, details_missing, answers_missing
from {{ ref('toggl_hire__workspaces') }}
where candidates_missing > 0 or details_missing > 0 or answers_missing > 0
