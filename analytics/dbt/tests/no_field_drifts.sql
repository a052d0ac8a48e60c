-- Declared fields that the API no longer sends, or sends in a form that the tap cannot
-- read, and that it sent before: their columns are null. What to do:
-- docs/troubleshooting.md.
{{ config(severity=var('toggl_hire_drift_severity')) }}
select workspace, field, problem, since, occurrences
from {{ ref('toggl_hire__fields') }}
where is_drift
