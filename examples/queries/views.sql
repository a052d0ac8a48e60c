-- Views without tombstones: what Toggl Hire holds now.
--
-- A deleted candidate stays in the tables as a tombstone: its key, the time in
-- _sdc_deleted_at, and nothing else. Deleted openings, categories and tags stay
-- too, with _sdc_deleted_at set by the target. These views leave all of them out.
--
-- The queries beside this file ask the models of analytics/dbt/, and need no view.
-- PostgreSQL refuses to change the type of a column that a view shows: should
-- an upgrade want to, drop the views first and create them again after it.

CREATE OR REPLACE VIEW current_job_openings AS
SELECT * FROM job_openings WHERE _sdc_deleted_at IS NULL;

CREATE OR REPLACE VIEW current_categories AS
SELECT * FROM categories WHERE _sdc_deleted_at IS NULL;

CREATE OR REPLACE VIEW current_tags AS
SELECT * FROM tags WHERE _sdc_deleted_at IS NULL;

CREATE OR REPLACE VIEW current_candidates AS
SELECT * FROM candidates WHERE _sdc_deleted_at IS NULL;

CREATE OR REPLACE VIEW current_candidate_details AS
SELECT * FROM candidate_details WHERE _sdc_deleted_at IS NULL;

CREATE OR REPLACE VIEW current_candidate_answers AS
SELECT * FROM candidate_answers WHERE _sdc_deleted_at IS NULL;
