locals {
  accounts = ["app", "data", "tasks", "scheduler", "build"]
  database_roles = {
    app   = ["roles/datastore.user"]
    data  = ["roles/datastore.user"]
    build = ["roles/datastore.indexAdmin", "roles/datastore.viewer"]
  }
  build_roles = [
    "roles/run.admin",
    "roles/cloudtasks.queueAdmin",
    "roles/cloudscheduler.admin",
    "roles/logging.logWriter",
  ]
  submitter_roles = [
    "roles/cloudbuild.builds.editor",
    "roles/serviceusage.serviceUsageConsumer",
    "roles/logging.viewer",
    "roles/storage.bucketViewer",
  ]
  account_roles = [
    { owner = "tasks", member = "app", role = "roles/iam.serviceAccountUser" },
    { owner = "app", member = "build", role = "roles/iam.serviceAccountUser" },
    { owner = "data", member = "build", role = "roles/iam.serviceAccountUser" },
    { owner = "scheduler", member = "build", role = "roles/iam.serviceAccountUser" },
    { owner = "build", member = "build", role = "roles/iam.serviceAccountOpenIdTokenCreator" },
  ]
  members = { for name in local.accounts : name => "serviceAccount:${google_service_account.account[name].email}" }
}

resource "google_service_account" "account" {
  for_each     = toset(local.accounts)
  project      = var.project
  account_id   = "${var.prefix}amends-${each.key}"
  display_name = "Amends in ${local.environment}: ${each.key}"
  depends_on   = [google_project_service.api]
}

resource "google_project_iam_member" "database" {
  for_each = merge([
    for name, roles in local.database_roles : { for role in roles : "${name} ${role}" => { name = name, role = role } }
  ]...)
  project = var.project
  member  = local.members[each.value.name]
  role    = each.value.role
  condition {
    title      = "${var.prefix}amends-database"
    expression = "resource.name == \"${local.database_path}\" || resource.name.startsWith(\"${local.database_path}/\")"
  }
}

resource "google_project_iam_member" "build" {
  for_each = toset(local.build_roles)
  project  = var.project
  member   = local.members["build"]
  role     = each.key
}

resource "google_project_iam_member" "submitter" {
  for_each = { for pair in setproduct(var.submitters, local.submitter_roles) : join(" ", pair) => pair }
  project  = var.project
  member   = each.value[0]
  role     = each.value[1]
}

resource "google_storage_bucket_iam_member" "build" {
  bucket     = local.source_bucket
  member     = local.members["build"]
  role       = "roles/storage.objectViewer"
  depends_on = [google_storage_bucket.sources]
}

resource "google_storage_bucket_iam_member" "submitter" {
  for_each   = toset(var.submitters)
  bucket     = local.source_bucket
  member     = each.key
  role       = "roles/storage.objectUser"
  depends_on = [google_storage_bucket.sources]
}

resource "google_artifact_registry_repository_iam_member" "build" {
  project    = var.project
  location   = var.region
  repository = google_artifact_registry_repository.images.name
  member     = local.members["build"]
  role       = "roles/artifactregistry.writer"
}

resource "google_service_account_iam_member" "account" {
  for_each           = { for each in local.account_roles : "${each.owner} ${each.member} ${each.role}" => each }
  service_account_id = google_service_account.account[each.value.owner].name
  member             = local.members[each.value.member]
  role               = each.value.role
}

resource "google_service_account_iam_member" "submitter" {
  for_each           = toset(var.submitters)
  service_account_id = google_service_account.account["build"].name
  member             = each.key
  role               = "roles/iam.serviceAccountUser"
}

resource "google_secret_manager_secret_iam_member" "account" {
  for_each  = { for each in var.secrets : "${each.secret} ${each.account}" => each }
  project   = var.project
  secret_id = each.value.secret
  member    = local.members[each.value.account]
  role      = "roles/secretmanager.secretAccessor"
}
