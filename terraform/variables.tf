# Creates one environment in Terraform, as `make setup` and `make alerts` do. Builds create the rest
# (services, queues, the job) in either case. tests/deploy/test_terraform.py compares this module
# with deploy/.
terraform {
  required_version = ">= 1.5"
  required_providers {
    google = {
      source  = "hashicorp/google"
      version = ">= 6.0"
    }
    time = {
      source  = "hashicorp/time"
      version = ">= 0.11"
    }
  }
}

variable "project" {
  type        = string
  description = "The project's id."
}

variable "region" {
  type        = string
  default     = "europe-west1"
  description = "The region of the repository and the bucket; the build's _REGION."
}

variable "prefix" {
  type        = string
  default     = ""
  description = "The prefix of every name in the environment; the build's _PREFIX."
  validation {
    condition     = var.prefix == "" || can(regex("^[a-z]([a-z0-9-]*[a-z0-9])?-$", var.prefix))
    error_message = "Write lower-case letters, digits and hyphens, ending with a hyphen: staging-."
  }
}

variable "database" {
  type        = string
  default     = ""
  description = "The build's _DATABASE; if empty (default), or with a prefix the environment's own."
}

variable "database_location" {
  type        = string
  default     = ""
  description = "A region, or a multi-region such as eur3; var.region if empty."
}

variable "backup_days" {
  type        = number
  default     = 14
  description = "How many days daily backups are kept, at most 98; 0 for no backups."
}

variable "submitters" {
  type        = list(string)
  default     = []
  description = "IAM members who may submit builds."
}

variable "channels" {
  type        = list(string)
  description = "The full names of Monitoring's notification channels."
  validation {
    condition     = length(var.channels) > 0
    error_message = "Without a channel the alerts would reach nobody."
  }
}

variable "secrets" {
  type        = list(object({ secret = string, account = string }))
  default     = []
  description = "The secrets of main.py's table, each with the account that reads it: app or data."
}

variable "create_source_bucket" {
  type        = bool
  default     = true
  description = "False if another environment of the project has created it."
}

locals {
  label           = trimsuffix(var.prefix, "-")
  environment     = var.prefix == "" ? var.project : "${var.project}/${local.label}"
  default         = var.prefix == "" ? "(default)" : "${var.prefix}amends"
  database        = var.database == "" ? local.default : var.database
  database_path   = "projects/${var.project}/databases/${local.database}"
  source_bucket   = "${replace(replace(replace(var.project, ":", "_"), ".", "_"), "google", "elgoog")}_cloudbuild"
  deploy          = "${path.module}/../deploy"
  lines           = var.prefix == "" ? "NOT jsonPayload.environment:*" : "jsonPayload.environment=\"${local.label}\""
}
