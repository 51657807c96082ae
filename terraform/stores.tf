locals {
  apis = [
    "artifactregistry",
    "cloudbuild",
    "cloudresourcemanager",
    "cloudscheduler",
    "cloudtasks",
    "datastore",
    "firestore",
    "iam",
    "iamcredentials",
    "logging",
    "monitoring",
    "run",
    "secretmanager",
    "serviceusage",
    "storage",
  ]
  cleanup = jsondecode(file("${local.deploy}/cleanup.json"))
  sources = jsondecode(file("${local.deploy}/lifecycle.json")).lifecycle.rule
}

resource "google_project_service" "api" {
  for_each           = toset(local.apis)
  project            = var.project
  service            = "${each.key}.googleapis.com"
  disable_on_destroy = false
}

resource "google_firestore_database" "database" {
  project                           = var.project
  name                              = local.database
  location_id                       = var.database_location == "" ? var.region : var.database_location
  type                              = "DATASTORE_MODE"
  point_in_time_recovery_enablement = "POINT_IN_TIME_RECOVERY_ENABLED"
  delete_protection_state           = "DELETE_PROTECTION_ENABLED"
  deletion_policy                   = "ABANDON"
  depends_on                        = [google_project_service.api]
}

resource "google_firestore_backup_schedule" "daily" {
  count     = var.backup_days > 0 ? 1 : 0
  project   = var.project
  database  = google_firestore_database.database.name
  retention = "${var.backup_days * 86400}s"
  daily_recurrence {}
}

resource "google_artifact_registry_repository" "images" {
  project                = var.project
  location               = var.region
  repository_id          = "${var.prefix}amends"
  format                 = "DOCKER"
  cleanup_policy_dry_run = false
  depends_on             = [google_project_service.api]

  dynamic "cleanup_policies" {
    for_each = local.cleanup
    content {
      id     = cleanup_policies.value.name
      action = upper(cleanup_policies.value.action.type)
      dynamic "most_recent_versions" {
        for_each = try([cleanup_policies.value.mostRecentVersions], [])
        content {
          keep_count = most_recent_versions.value.keepCount
        }
      }
      dynamic "condition" {
        for_each = try([cleanup_policies.value.condition], [])
        content {
          tag_state  = upper(condition.value.tagState)
          older_than = condition.value.olderThan
        }
      }
    }
  }
}

resource "google_storage_bucket" "sources" {
  count                       = var.create_source_bucket ? 1 : 0
  project                     = var.project
  name                        = local.source_bucket
  location                    = var.region
  uniform_bucket_level_access = true

  dynamic "lifecycle_rule" {
    for_each = local.sources
    content {
      action {
        type = lifecycle_rule.value.action.type
      }
      condition {
        age            = lifecycle_rule.value.condition.age
        matches_prefix = lifecycle_rule.value.condition.matchesPrefix
      }
    }
  }
}
