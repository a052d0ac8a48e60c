-- Views without deleted rows: what Toggl Hire holds now.
--
-- A deleted candidate stays in the tables as a tombstone: its key and the time in
-- _sdc_deleted_at. Deleted openings, categories and tags stay too, with _sdc_deleted_at
-- set by the target. These views leave them out.
--
-- The other queries in this folder use the models of analytics/dbt/ and need no views.
-- PostgreSQL refuses to change the type of a column that a view shows: if an upgrade
-- changes one, drop the views first and create them again afterwards.

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
