CREATE TABLE `accounts` (
	`name` text PRIMARY KEY NOT NULL,
	`version` text NOT NULL,
	`created_at` text NOT NULL
);
--> statement-breakpoint
CREATE TABLE `api_keys` (
	`id` text PRIMARY KEY NOT NULL,
	`scope` text NOT NULL,
	`account` text,
	`name` text NOT NULL,
	`secret_sha256` text NOT NULL,
	`created_at` text NOT NULL,
	FOREIGN KEY (`account`) REFERENCES `accounts`(`name`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE INDEX `api_keys_by_account` ON `api_keys` (`account`,`created_at`,`id`);--> statement-breakpoint
CREATE TABLE `audit_log` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`at` text NOT NULL,
	`account` text,
	`actor_key_id` text NOT NULL,
	`actor_scope` text NOT NULL,
	`action` text NOT NULL,
	`target` text NOT NULL,
	`detail` text NOT NULL
);
--> statement-breakpoint
CREATE INDEX `audit_log_by_account` ON `audit_log` (`account`,`id`);--> statement-breakpoint
CREATE TABLE `ca_certificates` (
	`id` text PRIMARY KEY NOT NULL,
	`account` text NOT NULL,
	`name` text NOT NULL,
	`certificate` text NOT NULL,
	`subject` text NOT NULL,
	`issuer` text NOT NULL,
	`serial_number` text NOT NULL,
	`not_before` text NOT NULL,
	`not_after` text NOT NULL,
	`key_type` text NOT NULL,
	`subject_key_id` text NOT NULL,
	`sha256_fingerprint` text NOT NULL,
	`created_at` text NOT NULL,
	`updated_at` text NOT NULL,
	FOREIGN KEY (`account`) REFERENCES `accounts`(`name`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `ca_certificates_name` ON `ca_certificates` (`account`,`name`);--> statement-breakpoint
CREATE UNIQUE INDEX `ca_certificates_fingerprint` ON `ca_certificates` (`account`,`sha256_fingerprint`);--> statement-breakpoint
CREATE INDEX `ca_certificates_by_account` ON `ca_certificates` (`account`,`created_at`,`id`);--> statement-breakpoint
CREATE INDEX `ca_certificates_by_subject` ON `ca_certificates` (`account`,`subject`);--> statement-breakpoint
CREATE TABLE `custom_domains` (
	`id` text PRIMARY KEY NOT NULL,
	`account` text NOT NULL,
	`project` text NOT NULL,
	`hostname` text NOT NULL,
	`status` text NOT NULL,
	`verification_token` text NOT NULL,
	`created_at` text NOT NULL,
	`verified_at` text,
	FOREIGN KEY (`account`,`project`) REFERENCES `projects`(`account`,`name`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `custom_domains_claim` ON `custom_domains` (`account`,`hostname`);--> statement-breakpoint
CREATE UNIQUE INDEX `custom_domains_owner` ON `custom_domains` (`hostname`) WHERE status = 'active';--> statement-breakpoint
CREATE INDEX `custom_domains_by_account` ON `custom_domains` (`account`,`created_at`,`id`);--> statement-breakpoint
CREATE INDEX `custom_domains_by_project` ON `custom_domains` (`account`,`project`);--> statement-breakpoint
CREATE TABLE `deployments` (
	`account` text NOT NULL,
	`project` text NOT NULL,
	`environment` text NOT NULL,
	`environment_type` text NOT NULL,
	`build_id` text NOT NULL,
	`mtls_certificate_names` text NOT NULL,
	`created_at` text NOT NULL,
	`updated_at` text NOT NULL,
	PRIMARY KEY(`account`, `project`, `environment`),
	FOREIGN KEY (`account`,`project`) REFERENCES `projects`(`account`,`name`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE TABLE `projects` (
	`account` text NOT NULL,
	`name` text NOT NULL,
	`created_at` text NOT NULL,
	PRIMARY KEY(`account`, `name`),
	FOREIGN KEY (`account`) REFERENCES `accounts`(`name`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE TABLE `revision` (
	`id` integer PRIMARY KEY NOT NULL,
	`counter` integer NOT NULL,
	`nonce` text NOT NULL
);
