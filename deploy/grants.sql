-- What the worker, the web and the reader may: after each `manage.py migrate`, as an administrator of the server. Table by
-- table, so that none of them may what its part never does. A test holds this file to the tables that there are.

-- --- worker: imports, checks, jobs --------------------------------------------------------------------------------
GRANT SELECT, INSERT, UPDATE, DELETE ON `warehouse`.`api_pace` TO 'warehouse_worker'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON `warehouse`.`data_quality_batches` TO 'warehouse_worker'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON `warehouse`.`data_quality_log` TO 'warehouse_worker'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON `warehouse`.`data_quality_moves` TO 'warehouse_worker'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON `warehouse`.`data_quality_rides` TO 'warehouse_worker'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON `warehouse`.`desk_alerts` TO 'warehouse_worker'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON `warehouse`.`desk_deliveries` TO 'warehouse_worker'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON `warehouse`.`django_q_ormq` TO 'warehouse_worker'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON `warehouse`.`django_q_schedule` TO 'warehouse_worker'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON `warehouse`.`django_q_task` TO 'warehouse_worker'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON `warehouse`.`entity_metadata` TO 'warehouse_worker'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON `warehouse`.`fetched_messages` TO 'warehouse_worker'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON `warehouse`.`held_locks` TO 'warehouse_worker'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON `warehouse`.`import_checkpoints` TO 'warehouse_worker'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON `warehouse`.`import_file_rows` TO 'warehouse_worker'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON `warehouse`.`import_files` TO 'warehouse_worker'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON `warehouse`.`import_previews` TO 'warehouse_worker'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON `warehouse`.`live_collections` TO 'warehouse_worker'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON `warehouse`.`live_freshness` TO 'warehouse_worker'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON `warehouse`.`metadata_changes` TO 'warehouse_worker'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON `warehouse`.`month_compactions` TO 'warehouse_worker'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON `warehouse`.`park_days` TO 'warehouse_worker'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON `warehouse`.`park_hours` TO 'warehouse_worker'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON `warehouse`.`park_months` TO 'warehouse_worker'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON `warehouse`.`parks` TO 'warehouse_worker'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON `warehouse`.`partition_metrics` TO 'warehouse_worker'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON `warehouse`.`pauses` TO 'warehouse_worker'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON `warehouse`.`quality_checks_owed` TO 'warehouse_worker'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON `warehouse`.`ride_days` TO 'warehouse_worker'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON `warehouse`.`ride_numbering` TO 'warehouse_worker'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON `warehouse`.`ride_openings` TO 'warehouse_worker'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON `warehouse`.`ride_sightings` TO 'warehouse_worker'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON `warehouse`.`ride_stays` TO 'warehouse_worker'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON `warehouse`.`rides` TO 'warehouse_worker'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON `warehouse`.`stale_days` TO 'warehouse_worker'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON `warehouse`.`storage_metrics` TO 'warehouse_worker'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON `warehouse`.`turns` TO 'warehouse_worker'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON `warehouse`.`workers` TO 'warehouse_worker'@'%';

GRANT SELECT, INSERT, UPDATE, DELETE ON `warehouse`.`queue_data` TO 'warehouse_worker'@'%';

-- Months are made, compacted by exchange (_compact), and the table made over (_copy, swapped by name with a backup).
GRANT SELECT, INSERT, UPDATE, DELETE, ALTER, CREATE, DROP, INDEX, TRIGGER ON `warehouse`.`ride_status_snapshots` TO 'warehouse_worker'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE, ALTER, CREATE, DROP, INDEX, TRIGGER ON `warehouse`.`ride_status_snapshots_compact` TO 'warehouse_worker'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE, ALTER, CREATE, DROP, INDEX, TRIGGER ON `warehouse`.`ride_status_snapshots_copy` TO 'warehouse_worker'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE, ALTER, CREATE, DROP, INDEX, TRIGGER ON `warehouse`.`ride_status_snapshots_copy_progress` TO 'warehouse_worker'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE, ALTER, CREATE, DROP, INDEX, TRIGGER ON `warehouse`.`ride_status_snapshots_partitioned_backup` TO 'warehouse_worker'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE, ALTER, CREATE, DROP, INDEX, TRIGGER ON `warehouse`.`ride_status_snapshots_unpartitioned_backup` TO 'warehouse_worker'@'%';

-- Sessions that are over and sign-ins of long ago are forgotten by a job.
GRANT SELECT, DELETE ON `warehouse`.`axes_accesslog` TO 'warehouse_worker'@'%';
GRANT SELECT, DELETE ON `warehouse`.`axes_accessfailurelog` TO 'warehouse_worker'@'%';
GRANT SELECT, DELETE ON `warehouse`.`django_session` TO 'warehouse_worker'@'%';

GRANT SELECT ON `warehouse`.`django_content_type` TO 'warehouse_worker'@'%';
GRANT SELECT ON `warehouse`.`django_migrations` TO 'warehouse_worker'@'%';

-- Who did what, and nothing of their passwords.
GRANT SELECT (id, username) ON `warehouse`.`auth_user` TO 'warehouse_worker'@'%';

GRANT SELECT, INSERT ON `warehouse`.`django_admin_log` TO 'warehouse_worker'@'%';

-- --- web: the admin -----------------------------------------------------------------------------------------------
-- Who may sign in, who did, and what they did.
GRANT SELECT, INSERT, UPDATE, DELETE ON `warehouse`.`auth_user` TO 'warehouse_web'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON `warehouse`.`auth_group` TO 'warehouse_web'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON `warehouse`.`auth_user_groups` TO 'warehouse_web'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON `warehouse`.`auth_group_permissions` TO 'warehouse_web'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON `warehouse`.`auth_user_user_permissions` TO 'warehouse_web'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON `warehouse`.`django_session` TO 'warehouse_web'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON `warehouse`.`django_admin_log` TO 'warehouse_web'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON `warehouse`.`axes_accessattempt` TO 'warehouse_web'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON `warehouse`.`axes_accessattemptexpiration` TO 'warehouse_web'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON `warehouse`.`axes_accesslog` TO 'warehouse_web'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON `warehouse`.`axes_accessfailurelog` TO 'warehouse_web'@'%';

-- What operators ask for, and what they set by hand.
GRANT SELECT, INSERT, UPDATE, DELETE ON `warehouse`.`django_q_ormq` TO 'warehouse_web'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON `warehouse`.`held_locks` TO 'warehouse_web'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON `warehouse`.`import_previews` TO 'warehouse_web'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON `warehouse`.`park_hours` TO 'warehouse_web'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON `warehouse`.`ride_stays` TO 'warehouse_web'@'%';

GRANT SELECT, INSERT, UPDATE ON `warehouse`.`import_checkpoints` TO 'warehouse_web'@'%';
GRANT SELECT, INSERT, UPDATE ON `warehouse`.`pauses` TO 'warehouse_web'@'%';
GRANT SELECT, INSERT, UPDATE ON `warehouse`.`parks` TO 'warehouse_web'@'%';
GRANT SELECT, INSERT, UPDATE ON `warehouse`.`rides` TO 'warehouse_web'@'%';
GRANT SELECT, INSERT, UPDATE ON `warehouse`.`ride_numbering` TO 'warehouse_web'@'%';
GRANT SELECT, INSERT, UPDATE ON `warehouse`.`entity_metadata` TO 'warehouse_web'@'%';
GRANT SELECT, INSERT, UPDATE ON `warehouse`.`data_quality_log` TO 'warehouse_web'@'%';
GRANT SELECT, INSERT, UPDATE ON `warehouse`.`stale_days` TO 'warehouse_web'@'%';
GRANT SELECT, INSERT, UPDATE ON `warehouse`.`api_pace` TO 'warehouse_web'@'%';
GRANT SELECT, INSERT, UPDATE ON `warehouse`.`turns` TO 'warehouse_web'@'%';

GRANT SELECT, INSERT ON `warehouse`.`metadata_changes` TO 'warehouse_web'@'%';
GRANT SELECT, INSERT ON `warehouse`.`data_quality_batches` TO 'warehouse_web'@'%';
GRANT SELECT, INSERT ON `warehouse`.`data_quality_moves` TO 'warehouse_web'@'%';

-- The times of a job, and not which function it calls.
GRANT SELECT, UPDATE (schedule_type, minutes, cron, next_run, repeats) ON `warehouse`.`django_q_schedule` TO 'warehouse_web'@'%';

-- The rest is looked at, facts among it.
GRANT SELECT ON `warehouse`.`auth_permission` TO 'warehouse_web'@'%';
GRANT SELECT ON `warehouse`.`data_quality_rides` TO 'warehouse_web'@'%';
GRANT SELECT ON `warehouse`.`desk_alerts` TO 'warehouse_web'@'%';
GRANT SELECT ON `warehouse`.`desk_deliveries` TO 'warehouse_web'@'%';
GRANT SELECT ON `warehouse`.`django_content_type` TO 'warehouse_web'@'%';
GRANT SELECT ON `warehouse`.`django_migrations` TO 'warehouse_web'@'%';
GRANT SELECT ON `warehouse`.`django_q_task` TO 'warehouse_web'@'%';
GRANT SELECT ON `warehouse`.`fetched_messages` TO 'warehouse_web'@'%';
GRANT SELECT ON `warehouse`.`import_file_rows` TO 'warehouse_web'@'%';
GRANT SELECT ON `warehouse`.`import_files` TO 'warehouse_web'@'%';
GRANT SELECT ON `warehouse`.`live_collections` TO 'warehouse_web'@'%';
GRANT SELECT ON `warehouse`.`live_freshness` TO 'warehouse_web'@'%';
GRANT SELECT ON `warehouse`.`month_compactions` TO 'warehouse_web'@'%';
GRANT SELECT ON `warehouse`.`park_days` TO 'warehouse_web'@'%';
GRANT SELECT ON `warehouse`.`park_months` TO 'warehouse_web'@'%';
GRANT SELECT ON `warehouse`.`partition_metrics` TO 'warehouse_web'@'%';
GRANT SELECT ON `warehouse`.`quality_checks_owed` TO 'warehouse_web'@'%';
GRANT SELECT ON `warehouse`.`queue_data` TO 'warehouse_web'@'%';
GRANT SELECT ON `warehouse`.`ride_days` TO 'warehouse_web'@'%';
GRANT SELECT ON `warehouse`.`ride_openings` TO 'warehouse_web'@'%';
GRANT SELECT ON `warehouse`.`ride_sightings` TO 'warehouse_web'@'%';
GRANT SELECT ON `warehouse`.`ride_status_snapshots` TO 'warehouse_web'@'%';
GRANT SELECT ON `warehouse`.`storage_metrics` TO 'warehouse_web'@'%';
GRANT SELECT ON `warehouse`.`workers` TO 'warehouse_web'@'%';

-- One act of the admin moves facts, to undo an adoption: without these it says that the account may not. Take the --
-- away where that is to be done there.
-- GRANT INSERT, DELETE ON `warehouse`.`ride_status_snapshots` TO 'warehouse_web'@'%';
-- GRANT UPDATE ON `warehouse`.`queue_data` TO 'warehouse_web'@'%';
-- GRANT UPDATE ON `warehouse`.`ride_openings` TO 'warehouse_web'@'%';
-- GRANT UPDATE ON `warehouse`.`ride_sightings` TO 'warehouse_web'@'%';
-- GRANT INSERT, UPDATE ON `warehouse`.`park_months` TO 'warehouse_web'@'%';

-- --- reader: what was recorded, for questions and the export ------------------------------------------------------
GRANT SELECT ON `warehouse`.`data_quality_log` TO 'warehouse_reader'@'%';
GRANT SELECT ON `warehouse`.`data_quality_rides` TO 'warehouse_reader'@'%';
GRANT SELECT ON `warehouse`.`django_migrations` TO 'warehouse_reader'@'%';
GRANT SELECT ON `warehouse`.`entity_metadata` TO 'warehouse_reader'@'%';
GRANT SELECT ON `warehouse`.`import_checkpoints` TO 'warehouse_reader'@'%';
GRANT SELECT ON `warehouse`.`import_files` TO 'warehouse_reader'@'%';
GRANT SELECT ON `warehouse`.`metadata_changes` TO 'warehouse_reader'@'%';
GRANT SELECT ON `warehouse`.`park_days` TO 'warehouse_reader'@'%';
GRANT SELECT ON `warehouse`.`park_hours` TO 'warehouse_reader'@'%';
GRANT SELECT ON `warehouse`.`park_months` TO 'warehouse_reader'@'%';
GRANT SELECT ON `warehouse`.`parks` TO 'warehouse_reader'@'%';
GRANT SELECT ON `warehouse`.`partition_metrics` TO 'warehouse_reader'@'%';
GRANT SELECT ON `warehouse`.`queue_data` TO 'warehouse_reader'@'%';
GRANT SELECT ON `warehouse`.`ride_days` TO 'warehouse_reader'@'%';
GRANT SELECT ON `warehouse`.`ride_openings` TO 'warehouse_reader'@'%';
GRANT SELECT ON `warehouse`.`ride_sightings` TO 'warehouse_reader'@'%';
GRANT SELECT ON `warehouse`.`ride_status_snapshots` TO 'warehouse_reader'@'%';
GRANT SELECT ON `warehouse`.`ride_stays` TO 'warehouse_reader'@'%';
GRANT SELECT ON `warehouse`.`rides` TO 'warehouse_reader'@'%';
GRANT SELECT ON `warehouse`.`stale_days` TO 'warehouse_reader'@'%';
GRANT SELECT ON `warehouse`.`storage_metrics` TO 'warehouse_reader'@'%';
