# What `make setup` and `make alerts` make, for those who keep it in Terraform: one environment.
# Builds make the rest (services, queues, the job) in either case. tests/deploy/test_terraform.py
# holds this against deploy/.
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
  description = "Of the repository and the bucket; the build's _REGION."
}

variable "prefix" {
  type        = string
  default     = ""
  description = "Goes before every name of the environment; the build's _PREFIX."
  validation {
    condition     = var.prefix == "" || can(regex("^[a-z]([a-z0-9-]*[a-z0-9])?-$", var.prefix))
    error_message = "Small letters, digits and hyphens, with a hyphen last, such as staging-."
  }
}

variable "database" {
  type        = string
  default     = ""
  description = "The build's _DATABASE: (default), or with a prefix the environment's own."
}

variable "database_location" {
  type        = string
  default     = ""
  description = "A region, or a multi-region such as eur3; var.region if empty."
}

variable "backup_days" {
  type        = number
  default     = 14
  description = "So many days the backup of each day is kept, 98 at most; 0: none is made."
}

variable "submitters" {
  type        = list(string)
  default     = []
  description = "IAM members who may submit builds."
}

variable "channels" {
  type        = list(string)
  description = "Monitoring's notification channels, by their full names."
  validation {
    condition     = length(var.channels) > 0
    error_message = "These alerts would tell nobody."
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
  description = "False where another environment of the project has made it."
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
