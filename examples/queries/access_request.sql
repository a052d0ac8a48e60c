-- What do the tables hold about one person? Everything, as one JSON object (Article 15
-- GDPR; PostgreSQL, DuckDB).
--
-- Replace 100 by the candidate's ID. The object has a list of rows per table: those of
-- the four tables of candidates, and runs whose message names the ID. The models of
-- analytics/dbt/ hold nothing that these tables lack, apart from the date on which the
-- candidate is due for deletion. Remove the tables you don't load.

WITH wanted AS (
    SELECT '100' AS candidate_id
),
found AS (
    SELECT 'candidates' AS name, to_json(r)::text AS line
    FROM candidates AS r
    WHERE r.id IN (SELECT candidate_id FROM wanted)
    UNION ALL
    SELECT 'candidate_details', to_json(r)::text
    FROM candidate_details AS r
    WHERE r.id IN (SELECT candidate_id FROM wanted)
    UNION ALL
    SELECT 'candidate_answers', to_json(r)::text
    FROM candidate_answers AS r
    WHERE r.candidate_id IN (SELECT candidate_id FROM wanted)
    UNION ALL
    SELECT 'candidate_history', to_json(r)::text
    FROM candidate_history AS r
    WHERE r.candidate_id IN (SELECT candidate_id FROM wanted)
    UNION ALL
    SELECT 'sync_runs', to_json(r)::text
    FROM sync_runs AS r
    INNER JOIN wanted
        ON ' ' || translate(r.message, ',.:;/()', '       ') || ' '
            LIKE '% ' || wanted.candidate_id || ' %'
),
listed AS (
    SELECT '"' || name || '": [' || string_agg(line, ', ') || ']' AS member
    FROM found
    GROUP BY name
)
SELECT '{' || coalesce(string_agg(member, ', '), '') || '}'
FROM listed;
