CREATE TABLE `mtls_certificates` (
	`id` text PRIMARY KEY NOT NULL,
	`account` text NOT NULL,
	`project` text NOT NULL,
	`name` text NOT NULL,
	`version` text NOT NULL,
	`environment_types` text NOT NULL,
	`is_disabled` integer NOT NULL,
	`certificate` text NOT NULL,
	`subject` text NOT NULL,
	`issuer` text NOT NULL,
	`serial_number` text NOT NULL,
	`not_before` text NOT NULL,
	`not_after` text NOT NULL,
	`key_type` text NOT NULL,
	`sha256_fingerprint` text NOT NULL,
	`sealed_private_key` text NOT NULL,
	`wrapped_data_key` text NOT NULL,
	`master_key_id` text NOT NULL,
	`created_at` text NOT NULL,
	`updated_at` text NOT NULL,
	FOREIGN KEY (`account`,`project`) REFERENCES `projects`(`account`,`name`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `mtls_certificates_name` ON `mtls_certificates` (`account`,`project`,`name`);--> statement-breakpoint
CREATE UNIQUE INDEX `mtls_certificates_fingerprint` ON `mtls_certificates` (`account`,`project`,`sha256_fingerprint`);--> statement-breakpoint
CREATE INDEX `mtls_certificates_by_project` ON `mtls_certificates` (`account`,`project`,`created_at`,`id`);--> statement-breakpoint
CREATE INDEX `mtls_certificates_by_account` ON `mtls_certificates` (`account`,`created_at`,`id`);--> statement-breakpoint
CREATE INDEX `mtls_certificates_by_master_key` ON `mtls_certificates` (`master_key_id`,`account`,`id`);--> statement-breakpoint
CREATE TABLE `origin_cas` (
	`id` text PRIMARY KEY NOT NULL,
	`account` text NOT NULL,
	`project` text NOT NULL,
	`name` text NOT NULL,
	`certificate` text NOT NULL,
	`subject` text NOT NULL,
	`issuer` text NOT NULL,
	`serial_number` text NOT NULL,
	`not_before` text NOT NULL,
	`not_after` text NOT NULL,
	`key_type` text NOT NULL,
	`sha256_fingerprint` text NOT NULL,
	`created_at` text NOT NULL,
	FOREIGN KEY (`account`,`project`) REFERENCES `projects`(`account`,`name`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `origin_cas_name` ON `origin_cas` (`account`,`project`,`name`);--> statement-breakpoint
CREATE UNIQUE INDEX `origin_cas_fingerprint` ON `origin_cas` (`account`,`project`,`sha256_fingerprint`);--> statement-breakpoint
CREATE INDEX `origin_cas_by_project` ON `origin_cas` (`account`,`project`,`created_at`,`id`);--> statement-breakpoint
CREATE INDEX `origin_cas_by_account` ON `origin_cas` (`account`,`created_at`,`id`);